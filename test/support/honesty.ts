import { join } from 'node:path'
import { pino } from 'pino'
import { expect } from 'vitest'
import { type App, openApp, runApp } from '../../src/app.ts'
import { systemClock } from '../../src/cli/system-clock.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { letterFiles } from '../../src/dead-letters/letter-files.ts'
import { readLetters } from '../../src/dead-letters/letter-lines.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { toFailure } from '../../src/domain/failure.ts'
import { RangeSet, type TimeRange } from '../../src/domain/range.ts'
import { visible } from '../../src/domain/visible.ts'
import { isUnknown } from '../../src/inventory/datapoint-problems.ts'
import type { GatewayOutcome } from '../../src/pipeline/job.ts'
import type { RunOutcome } from '../../src/pipeline/run.ts'
import { noFaults } from '../../src/simulator/faults.ts'
import type { Entry } from '../../src/simulator/history.ts'
import type { SimulatorOptions } from '../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import type { Datapoint } from '../../src/simulator/site.ts'
import type { Stats } from '../../src/simulator/stats.ts'
import { expectHolds, expectSame } from './comparison.ts'
import { openSite } from './program.ts'
import { cellsOfSqlite } from './stored-cells.ts'
import { type Cell, cellsOf, gatewaySettings } from './truth.ts'

export const hourMs = 3_600_000

/** So many datapoints are configured: enough for every kind, and a site with many more costs no more. */
const mostConfigured = 12

/** Time runs a hundred times faster for the program: its waits keep their proportions to each other. */
function quickClock(): Clock & { leap(ms: number): void } {
  const haste = 100
  const began = systemClock.now()
  let leapt = 0
  return {
    now: () => began + (systemClock.now() - began) * haste + leapt,
    elapsed: () => systemClock.elapsed() * haste + leapt,
    sleep: (ms, signal) => systemClock.sleep(ms / haste, signal),
    leap(ms) {
      leapt += ms
    },
  }
}

export interface Met {
  /** Undefined: the run as a whole failed. */
  readonly outcome: RunOutcome | undefined
  /** What the gateway has seen and done until then. */
  readonly stats: Stats
}

/** A gateway, and a folder for what is configured of it; closed with the stack it was opened on. */
export interface Stage {
  readonly gateway: Simulator
  readonly folder: string
  readonly range: TimeRange
  readonly clock: ReturnType<typeof quickClock>
  /** As it is by default: into `points.db`, with values of any type. */
  configure(changes?: StageChanges): Promise<Config>
  open(config: Config): Promise<App>
  /** What is stored of a time, what the gateway has of it, and which frames are dead letters. */
  read(config: Config, within: TimeRange): Promise<Found>
}

export interface StageChanges {
  readonly sink?: object
  readonly ledger?: string
  /** `any` for strange data: now a number, now a structure. */
  readonly type?: string
}

interface Found {
  readonly stored: Cell[]
  readonly entries: readonly Entry[]
  readonly dead: ReadonlySet<string>
}

export async function openStage(opened: AsyncDisposableStack, hostility: SimulatorOptions): Promise<Stage> {
  // three hours back: all that is stored late is there by then
  const until = Math.floor(Date.now() / hourMs - 3) * hourMs
  const range = { after: until - 9 * hourMs, until }
  const gateway = await startSimulator({
    devices: 4,
    interval: 300,
    historyStart: range.after - hourMs,
    fractionDigits: 6,
    maxLogSockets: 1,
    ...hostility,
  })
  opened.defer(gateway.close)
  const site = await openSite()
  opened.defer(site.remove)
  const clock = quickClock()
  const isPruned = (hostility.faults?.prune ?? 0) > 0
  return {
    gateway,
    folder: site.folder,
    range,
    clock,
    async configure({ sink = { sqlite: { path: 'points.db' } }, ledger = 'ledger.db', type = 'any' } = {}) {
      const limits = { patience: '4m' }
      await site.configure({
        gateways: { g: { ...gatewaySettings(gateway, datapointsOf(gateway, type), limits), idleTimeout: '1s' } },
        sink,
        ledger,
        requests: { entries: 100, shortest: '10m', longest: '3h' },
      })
      return atFullSpeed(loadConfig(site.file, {}))
    },
    async open(config) {
      return opened.adopt(await openApp(config, 'test', { clock, log: pino({ level: 'silent' }) }), it => it.close())
    },
    async read(config, within) {
      // what was pruned while it was being sent is the gateway's loss: the rest must be there all the same
      const truth = isPruned ? gateway.store.read : gateway.history.merged
      const entries = [...truth(isConfigured, within.after, within.until)]
      return { stored: cellsOfSqlite(join(site.folder, 'points.db')), entries, dead: await deadFrames(config) }
    },
  }
}

/**
 * The law: a run against this gateway ends complete and equal to the history, or with an honest failure; never complete and
 * different. What is rejected is a dead letter, frame by frame. And an hour later, when the gateway is well again, the same
 * command brings all that was missing, and nothing else.
 */
export async function expectHonesty(hostility: SimulatorOptions): Promise<Met> {
  await using opened = new AsyncDisposableStack()
  const { gateway, range, clock, ...stage } = await openStage(opened, hostility)
  const config = await stage.configure()
  const app = await stage.open(config)
  const isPruned = (hostility.faults?.prune ?? 0) > 0

  const outcome = await runOnce(app, config, range)
  const whole = finalOfAll(app, config)
  const isWhole = whole.covers(range)
  const [first] = outcome?.gateways ?? []
  if (first?.failure === undefined && first?.parked === 0 && !lacksNames(first)) expect(isWhole).toBe(true)
  for (const within of whole.ranges) {
    const { stored, entries, dead } = await stage.read(config, within)
    expectHolds(
      stored,
      namedCells(entries, entry => !dead.has(gateway.frame(entry))),
    )
  }
  const stats = structuredClone(gateway.stats)

  gateway.setFaults(noFaults)
  if (hostility.script?.some(step => step.clock !== undefined)) gateway.change({ clock: 'right' })
  // a gateway that has refused a living login is given half an hour before that is looked into again
  clock.leap(hourMs)
  const healed = await runOnce(app, config, range)
  expect(healed?.gateways[0]).toMatchObject({ failure: undefined, parked: 0 })
  // a name that the gateway has no more is reported, and never complete
  if (lacksNames(healed!.gateways[0]!)) return { outcome, stats }
  expect(healed?.gateways[0]).toMatchObject({ leftMs: 0 })
  if (isWhole) expect(healed?.requests).toBe(0)
  expect(finalOfAll(app, config).covers(range)).toBe(true)
  const found = await stage.read(config, range)
  if (isPruned)
    expectHolds(
      found.stored,
      namedCells(found.entries, entry => !found.dead.has(gateway.frame(entry))),
    )
  else expectEqualButForDead(gateway, found)
  expect(gateway.stats.maxOpenLogSockets).toBeLessThanOrEqual(1)
  return { outcome, stats }
}

/** Equal; where entries were rejected, each of them is a dead letter and nothing but the truth is stored. */
export function expectEqualButForDead(gateway: Simulator, { stored, entries, dead }: Found): void {
  const isWritten = (entry: Entry) => !dead.has(gateway.frame(entry))
  if (entries.every(isWritten)) expectSame(stored, namedCells(entries))
  else {
    expectHolds(stored, namedCells(entries, isWritten))
    // of two values for one time the smaller one may have been written and the larger one rejected
    const each = entries.flatMap(entry => namedCells([entry]))
    expectHolds(each, stored)
  }
}

async function deadFrames({ deadLetters }: Config): Promise<ReadonlySet<string>> {
  const frames = new Set<string>()
  for (const path of letterFiles(deadLetters.path))
    for await (const { raw } of readLetters(path)) if (raw !== undefined) frames.add(raw)
  return frames
}

function lacksNames({ problems }: GatewayOutcome): boolean {
  return problems.some(isUnknown)
}

export async function runOnce(app: App, config: Config, range: TimeRange): Promise<RunOutcome | undefined> {
  try {
    const run = { demand: { kind: 'once', ...range }, keptMs: undefined, observe: () => {} } as const
    return await runApp(app, config, run, new AbortController().signal)
  } catch (error) {
    expect(toFailure(error).code).not.toBe('unexpected')
    return undefined
  }
}

/** What is final for every datapoint. */
export function finalOfAll(app: App, config: Config): RangeSet {
  const selectors = config.gateways[0]!.datapoints.map(({ selector }) => selector)
  const coverage = [...app.ledger.coverage.of({ sink: app.sink.id, gateway: 'g' }, selectors).values()]
  return coverage
    .map(({ final }) => final)
    .reduce((a, b) => a.intersect(b), RangeSet.of({ after: 0, until: Date.now() }))
}

/** Politeness has its own tests; here it would only cost time. */
function atFullSpeed(config: Config): Config {
  const gateways = config.gateways.map(it => ({ ...it, limits: { ...it.limits, requestsPerMinute: 60_000 } }))
  return { ...config, gateways }
}

const isConfigured = ({ ordinal }: Datapoint) => ordinal < mostConfigured

/** As objects: some names hold slashes. Every other device is configured by its id, some datapoints by their XIF name. */
function datapointsOf({ history }: Simulator, type: string) {
  return history.datapoints.filter(isConfigured).map(({ device, deviceId, block, index, name, xif, ordinal }) => ({
    device: deviceId % 2 === 0 || !isPlain(device) ? { id: deviceId, as: nameHere(device) } : device,
    block,
    index,
    datapoint: ordinal % 3 === 0 ? { xif } : (name ?? xif),
    type,
  }))
}

/** What a configuration takes as a name: other devices go by their id. */
function isPlain(name: string): boolean {
  return visible(name) === name
}

function nameHere(device: string): string {
  return isPlain(device) ? device : visible(device)
}

/** What must be stored of the entries, by the names that the configuration gives to their devices. */
function namedCells(entries: readonly Entry[], wanted = (_: Entry) => true): Cell[] {
  const renamed = ({ datapoint, ...entry }: Entry): Entry => ({
    ...entry,
    datapoint: { ...datapoint, device: nameHere(datapoint.device) },
  })
  return cellsOf(entries.filter(wanted).map(renamed))
}
