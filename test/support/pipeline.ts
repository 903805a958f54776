import { onTestFinished } from 'vitest'
import { DeadLetterBox } from '../../src/dead-letters/dead-letters.ts'
import type { Selector } from '../../src/domain/datapoint.ts'
import { RangeSet } from '../../src/domain/range.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { type ClockWatch, createClockWatch } from '../../src/pipeline/clock-watch.ts'
import { createDatabaseWatch } from '../../src/pipeline/database-watch.ts'
import type { GatewayJob, RunEvent, RunSource } from '../../src/pipeline/job.ts'
import { run } from '../../src/pipeline/run.ts'
import { createThrottle, type RequestLimits, type Throttle } from '../../src/pipeline/throttle.ts'
import { createTurns, type Turns } from '../../src/pipeline/turns.ts'
import { compileMapping } from '../../src/points/mapping.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { scriptedSink } from './scripted-sink.ts'
import { type SteeredClock, steeredClock } from './steered-clock.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour
export const today = Date.UTC(2026, 0, 31)
export const lux: Selector = {
  device: { name: 'Sensor 1' },
  block: 'LightSensor',
  index: 0,
  point: { xif: 'nvoLux' },
}

/** As the configuration would have them: no test of a run is without limits. */
export const usualLimits: RequestLimits = { sockets: 1, pause: 100, requestsPerMinute: 600, patience: 10 * minute }

export type JobChange = Partial<GatewayJob> & { readonly limits?: Partial<RequestLimits> }

/** What a run needs, for gateways in memory: a ledger, a sink, a clock that jumps from sleep to sleep. Closed when the test ends. */
export function openPipeline({ clock = steeredClock(today) }: { clock?: SteeredClock } = {}) {
  return openPipelineInto(scriptedSink(), { clock })
}

export function openPipelineInto<Into extends Sink>(sink: Into, { clock = steeredClock(today) } = {}) {
  clock.runFreely()
  const ledger = openLedger(':memory:', clock)
  onTestFinished(() => ledger.close())
  const events: RunEvent[] = []
  const deadLetters = new DeadLetterBox({ path: temporaryFolder(), maxSize: 1e9 }, clock)
  const database = createDatabaseWatch({ sink, ledger, clock })
  const parts = { sink, ledger, database, deadLetters, clock, observe: (event: RunEvent) => void events.push(event) }
  const throttles = new Map<string, Throttle>()
  const watches = new Map<string, ClockWatch>()
  const turnsOf = new Map<string, Turns>()

  function throttleOf(limits: Partial<RequestLimits> = {}, its: SteeredClock = clock): Throttle {
    return createThrottle({ limits: { ...usualLimits, ...limits }, clock: its, gates: [], sink })
  }
  /** Jobs of the same gateway share a throttle, as in the program; one with other limits has its own throttle. */
  function job(source: RunSource, { limits, ...change }: JobChange = {}): GatewayJob {
    const throttle = limits === undefined ? throttles.get(source.name) : undefined
    const its = throttle ?? throttleOf(limits)
    if (limits === undefined) throttles.set(source.name, its)
    const clockWatch = watches.get(source.name) ?? createClockWatch(source, { clock, ledger })
    watches.set(source.name, clockWatch)
    const turns = turnsOf.get(source.name) ?? createTurns()
    turnsOf.set(source.name, turns)
    return {
      source,
      clockWatch,
      turns,
      mapping: compileMapping(source.name, []),
      selectors: [lux],
      rules: [],
      throttle: its,
      sockets: limits?.sockets ?? usualLimits.sockets,
      requests: { entries: 50_000, shortest: minute, longest: 2 * hour, per: 'datapoint', order: 'oldest' },
      maturity: { settle: 0, lateness: 0 },
      demand: { kind: 'once', after: today - day, until: today },
      keptMs: undefined,
      ...change,
    }
  }
  const place = (gateway: string) => ({ sink: sink.id, gateway })
  return {
    clock,
    ledger,
    sink,
    parts,
    events,
    throttleOf,
    job,
    covered: (name = 'plant-a', selector = lux): RangeSet =>
      ledger.coverage.of(place(name), [selector]).get(selector)!.final,
    parked: (name = 'plant-a') => RangeSet.from(ledger.parked.of(place(name), lux).map(({ range }) => range)),
    kinds: (kind: RunEvent['kind']) => events.filter(event => event.kind === kind),
    go: (jobs: readonly GatewayJob[], signal = new AbortController().signal) => run(jobs, parts, signal),
  }
}
