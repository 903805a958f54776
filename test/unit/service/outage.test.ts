import { describe, expect, it } from 'vitest'
import { run } from '../../../src/pipeline/run.ts'
import { syncForever } from '../../../src/service/sync.ts'
import { createOutageGate } from '../../../src/sinks/influxdb/outage.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { hour, minute, openPipelineInto, today } from '../../support/pipeline.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { scriptedGateway, unreachable } from '../../support/scripted-gateway.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { type SteeredClock, steeredClock } from '../../support/steered-clock.ts'

const second = 1_000
const awayMs = 7 * minute
const intervals = [second, 5 * second, 30 * second, minute, 5 * minute, hour]
const trouble = { reason: 'ECONNREFUSED', afterMs: undefined }

/** Waits for its database as the sink for InfluxDB does. */
function waitingSink(clock: SteeredClock, isAway: () => boolean, answered: () => void): Sink {
  const inner = scriptedSink()
  const outages = createOutageGate({ clock, log: recordedLog().log, label: 'InfluxDB x' })
  return {
    ...inner,
    async write(points, signal, waiting = {}) {
      await outages.pass(signal, waiting)
      while (isAway()) await outages.wait(trouble, signal, waiting)
      outages.answered(waiting)
      answered()
      return await inner.write(points, signal)
    },
    async ready(signal, waiting = {}) {
      const probe = async () => {
        if (isAway()) return trouble
        answered()
        return undefined
      }
      await outages.outlast(probe, signal, waiting)
    },
  }
}

/** A sync with an outage that begins shortly before its third pass; returns how long after its end it was noticed, ms. */
async function noticedAfter(every: number, what: 'database' | 'gateway'): Promise<number | undefined> {
  const clock = steeredClock(today)
  const began = today + 2 * every - 10
  const ends = began + awayMs
  const isAway = () => clock.now() >= began && clock.now() < ends
  let noticed: number | undefined
  const answered = () => {
    if (clock.now() >= ends) noticed ??= clock.now() - ends
  }
  const sink = waitingSink(clock, () => what === 'database' && isAway(), what === 'database' ? answered : () => {})
  const { parts, job } = openPipelineInto(sink, { clock })
  const source = scriptedGateway({
    now: clock.now,
    hello() {
      if (what === 'database') return
      if (isAway()) throw unreachable()
      answered()
    },
  })
  const first = job(source, { limits: { pause: 0, requestsPerMinute: 600 } })
  const stop = new AbortController()
  const sync = syncForever(
    ['plant-a'],
    { every, since: 2 * hour },
    {
      run: (demand, _only, _observe, signal) => run([{ ...first, demand }], parts, signal),
      ...{ clock, log: recordedLog().log, logged: new Set<string>() },
      lettersOf: () => ({ open: 0, discarded: [] }),
    },
    stop.signal,
  )
  await clock.sleep(ends - today + 10 * minute)
  stop.abort(new Error('stopped'))
  await sync
  return noticed
}

describe.each(intervals)('with sync.every of %d ms', every => {
  it.each(['database', 'gateway'] as const)('the end of an outage of the %s is noticed within a minute', async what => {
    const noticed = await noticedAfter(every, what)
    expect(noticed).toBeLessThanOrEqual(minute)
  })
})
