import { spawnSync } from 'node:child_process'
import { dataLogPath } from '../../src/smartserver/log-query.ts'
import { openInfluxd } from '../../test/support/influxd.ts'
import { runChild, startChild } from './child.ts'
import type { ClientInput, ClientOutput } from './ours.ts'
import type { PeerInput, PeerOutput } from './peer.ts'
import { countText, median, type Row } from './table.ts'

const hourMs = 3_600_000
const wantedRatio = 1.5

/** Entries per CPU-second of our pipeline and of a script written by hand, in turns. */
export async function measureThroughput(say: (text: string) => void): Promise<Row[]> {
  const rows = [await compare('into a sink that answers 204', 5, undefined, say)]
  if (spawnSync('influxd', ['version']).error !== undefined) {
    say('left out: a real database, because there is no influxd here')
    return rows
  }
  const influxd = await openInfluxd({ database: 'bench' })
  try {
    rows.push(await compare('into InfluxDB 1.x', 3, { url: influxd.url, database: 'bench' }, say))
  } finally {
    await influxd.close()
  }
  return rows
}

async function compare(
  into: string,
  runs: number,
  influxdb: PeerInput['influxdb'],
  say: (text: string) => void,
): Promise<Row> {
  const until = Date.UTC(2026, 5, 1)
  const range = { after: until - 168 * hourMs, until }
  const gateway = { devices: 40, interval: 60, historyStart: range.after - hourMs }
  const peer = await startChild<PeerOutput>('peer.ts', {
    gateway,
    ...(influxdb === undefined ? {} : { influxdb }),
  } satisfies PeerInput)
  const path = dataLogPath({ gateway: 'g', selectors: [{}], range }, { release: '4.10' })
  const input: ClientInput = { peer: peer.said, range, path }
  const rates = { ours: [] as number[], byHand: [] as number[] }
  let entries = 0
  try {
    for (let run = 1; run <= runs; run++) {
      const ours = await runChild<ClientOutput>('ours.ts', input)
      const byHand = await runChild<ClientOutput>('by-hand.ts', input)
      if (ours.entries !== byHand.entries) throw new Error(`${ours.entries} entries here, ${byHand.entries} by hand`)
      entries = ours.entries
      rates.ours.push(entries / ours.cpu)
      rates.byHand.push(entries / byHand.cpu)
      say(`${into}: run ${run} of ${runs}: ours ${rate(rates.ours.at(-1)!)}, by hand ${rate(rates.byHand.at(-1)!)}`)
    }
  } finally {
    await peer.stop()
  }
  const [ours, byHand] = [median(rates.ours), median(rates.byHand)]
  const ratio = ours / byHand
  return {
    name: `Entries per CPU-second, ${into}`,
    measured: `${ratio.toFixed(2)} × (ours ${countText(ours)}, by hand ${countText(byHand)}; ${countText(entries)} entries, median of ${runs})`,
    target: `≥ ${wantedRatio} × a script by hand`,
    isMet: ratio >= wantedRatio,
    numbers: { ratio, ours, byHand, entries, runs },
  }
}

function rate(perSecond: number): string {
  return `${countText(perSecond)}/s`
}
