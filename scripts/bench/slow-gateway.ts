import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { startChild } from './child.ts'
import type { PeerInput, PeerOutput } from './peer.ts'
import { openBenchSite } from './site.ts'
import { countText, type Row } from './table.ts'

const run = promisify(execFile)
const main = resolve(import.meta.dirname, '../../src/main.ts')
const dayMs = 86_400_000
const secondsPerRequest = 0.3
const entriesPerSecond = 5_000
/** What the default settings aim for. */
const entriesPerRequest = 50_000
/** A simulated gateway that has rested delivers so much faster afterwards; the cost of a request makes up for it. */
const creditSeconds = 0.25
const wantedShare = 0.95

/** How much of what a slow gateway can give is taken, with the default settings but for the pauses. */
export async function measureSlowGateway(say: (text: string) => void): Promise<Row[]> {
  const until = Date.UTC(2026, 5, 1)
  const after = until - 3 * dayMs
  const peer = await startChild<PeerOutput>('peer.ts', {
    gateway: {
      devices: 4,
      interval: 5,
      historyStart: after - dayMs,
      cost: { secondsPerRequest: secondsPerRequest + creditSeconds, entriesPerSecond },
    },
  } satisfies PeerInput)
  const site = await openBenchSite(peer.said)
  try {
    say('a slow gateway takes its time: a minute or two')
    const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]
    const { stdout } = await run(process.execPath, [main, 'backfill', '--config', site.file, ...range, '--json'])
    const { received, requests, tookMs } = JSON.parse(stdout) as { received: number; requests: number; tookMs: number }
    const took = tookMs / 1000
    const ideal = received / entriesPerSecond + secondsPerRequest * Math.ceil(received / entriesPerRequest)
    const share = ideal / took
    const ofRate = received / entriesPerSecond / took
    return [
      {
        name: 'Share of what a slow gateway can give',
        measured: `${percent(share)} (${countText(received)} entries in ${took.toFixed(1)} s and ${requests} requests; at least ${ideal.toFixed(1)} s are needed; ${percent(ofRate)} of ${countText(entriesPerSecond)}/s)`,
        target: `≥ ${percent(wantedShare)}`,
        isMet: share >= wantedShare,
        numbers: { share, ofRate, received, requests, took, ideal },
      },
    ]
  } finally {
    await site.remove()
    await peer.stop()
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
