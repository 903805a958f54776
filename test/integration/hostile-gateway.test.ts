import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { type App, openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { type Clock, systemClock } from '../../src/domain/clock.ts'
import { toFailure } from '../../src/domain/failure.ts'
import type { RangeSet } from '../../src/domain/range.ts'
import type { RunOutcome } from '../../src/pipeline/run.ts'
import { type Faults, noFaults } from '../../src/simulator/faults.ts'
import type { Oddities } from '../../src/simulator/oddities.ts'
import { type ReleaseName, releases } from '../../src/simulator/releases.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { expectHolds, expectSame } from '../support/comparison.ts'
import { openSite } from '../support/program.ts'
import { cellsOfSqlite } from '../support/stored-cells.ts'
import { cellsOf, expectedCells, gatewaySettings } from '../support/truth.ts'

const hourMs = 3_600_000
const until = Math.floor(Date.now() / hourMs - 3) * hourMs
const after = until - 12 * hourMs
/** CI looks longer: RANDOM_RUNS=200 npm test -- hostile. A failing seed is in the test's name. */
const randomRuns = Number(process.env['RANDOM_RUNS'] ?? 12)
const firstSeed = Number(process.env['RANDOM_SEED'] ?? 1)

/** Waits are what they are in proportion, and a hundred times shorter. */
const quickClock: Clock = { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) }

interface Hostility {
  readonly release?: ReleaseName
  readonly seed?: number
  readonly faults?: Faults
  readonly oddities?: Oddities
}

/** Either complete and equal to the history, or an honest failure; never complete and different. */
async function expectHonesty(hostility: Hostility): Promise<RunOutcome | undefined> {
  const gateway = await startSimulator({
    devices: 4,
    interval: 60,
    historyStart: after - hourMs,
    fractionDigits: 6,
    maxLogSockets: 1,
    ...hostility,
  })
  const site = await openSite({
    gateways: { g: { ...gatewaySettings(gateway, datapointsOf(gateway)), idleTimeout: '1s' } },
    sink: { sqlite: { path: 'points.db' } },
    ledger: 'ledger.db',
    requests: { entries: 500, shortest: '10m', longest: '3h' },
  })
  const config = atFullSpeed(loadConfig(site.file, {}))
  const app = await openApp(config, 'test', { clock: quickClock, log: pino({ level: 'silent' }) })
  const outcome = await run(app)
  const whole = finalOfAll(app, config)
  const stored = () => cellsOfSqlite(join(site.folder, 'points.db'))
  const isWhole = whole.covers({ after, until })
  const [first] = outcome?.gateways ?? []
  if (first?.failure === undefined && first?.parked === 0) expect(isWhole).toBe(true)
  // what was pruned while it was being sent is the gateway's loss: the rest must be there all the same
  const isPruned = (hostility.faults?.prune ?? 0) > 0
  const truth = (from: number, to: number) =>
    isPruned ? cellsOf(gateway.store.read(() => true, from, to)) : expectedCells(gateway.history, from, to)
  for (const part of whole.ranges) expectHolds(stored(), truth(part.after, part.until))
  if (isWhole && !isPruned) expectSame(stored(), truth(after, until))

  // once the gateway is well again, the same command brings all that was missing, and nothing else
  gateway.setFaults(noFaults)
  const healed = await run(app)
  expect(healed?.gateways[0]).toMatchObject({ failure: undefined, parked: 0, leftMs: 0 })
  if (isWhole) expect(healed?.requests).toBe(0)
  expect(finalOfAll(app, config).covers({ after, until })).toBe(true)
  expectHolds(stored(), truth(after, until))
  if (!isPruned) expectSame(stored(), truth(after, until))
  expect(gateway.stats.maxOpenLogSockets).toBeLessThanOrEqual(1)
  await app.close()
  await gateway.close()
  await site.remove()
  return outcome
}

async function run(app: App): Promise<RunOutcome | undefined> {
  const wish = {
    wanted: () => ({ after, until }),
    secondLookMs: 0,
    newestFirst: false,
    parkedRestMs: 0,
    deadline: undefined,
  }
  try {
    return await app.run(wish, undefined, () => {}, new AbortController().signal)
  } catch (error) {
    expect(toFailure(error).code).not.toBe('unexpected')
    return undefined
  }
}

/** What is final for every datapoint. */
function finalOfAll(app: App, config: Config): RangeSet {
  const selectors = config.gateways[0]!.datapoints.map(({ selector }) => selector)
  const coverage = [...app.ledger.coverage({ sink: app.sink.id, gateway: 'g' }, selectors).values()]
  return coverage.map(({ final }) => final).reduce((a, b) => a.intersect(b))
}

/** Politeness has tests of its own; here it would only cost time. */
function atFullSpeed(config: Config): Config {
  const gateways = config.gateways.map(it => ({ ...it, limits: { ...it.limits, requestsPerMinute: 60_000 } }))
  return { ...config, gateways }
}

/** As objects: some names hold slashes. */
function datapointsOf({ history }: Simulator) {
  return history.datapoints.map(({ device, block, index, name, xif }) => ({
    device,
    block,
    index,
    datapoint: name ?? xif,
    // strange data: now a number, now a structure
    type: 'any',
  }))
}

describe('a gateway that never says "end"', () => {
  test.each([1000, 1006, 1011])('and closes with %i: nothing is recorded as complete', async code => {
    const outcome = await expectHonesty({ faults: { noEnd: 1, noEndCodes: [code] } })
    expect(outcome?.requests).toBe(0)
    expect(outcome?.gateways[0]?.failure?.code).toMatch(/no-end|connection-broken/)
  })
})

describe('every fault, met now and then, ends complete and equal', () => {
  test.each<[keyof Faults, Faults]>([
    ['noEnd', { noEnd: 0.2 }],
    ['reset', { reset: 0.2 }],
    ['stall', { stall: 0.15 }],
    ['trickle', { trickle: 0.3, trickleMs: 5 }],
    ['shuffle', { shuffle: 1 }],
    ['reverse', { reverse: 1 }],
    ['duplicate', { duplicate: 0.3, shuffle: 0.5 }],
    ['garbage', { garbage: 0.02 }],
    ['garbageAfterEnd', { garbageAfterEnd: 0.2 }],
    ['oversized', { oversized: 0.2 }],
    ['ignoreFilter', { ignoreFilter: 1 }],
    ['widenRange', { widenRange: 1 }],
    ['refuseUpgrade', { refuseUpgrade: 0.2 }],
    ['rejectConnection', { rejectConnection: 0.3 }],
    ['expireSession', { expireSession: 0.5 }],
    ['prune', { prune: 0.2 }],
  ])('%s', async (_name, faults) => {
    const outcome = await expectHonesty({ faults })
    expect(outcome?.gateways[0]).toMatchObject({ failure: undefined, parked: 0 })
  })
})

test('strange data arrive as they are', async () => {
  const oddities = {
    nullNames: 0.3,
    nullQualifiers: 0.3,
    awkwardNames: 0.5,
    nullValues: 0.05,
    booleans: 0.05,
    nested: 0.05,
    sameMs: 0.05,
    stringIds: 0.3,
    segmentIds: 0.1,
    extraFields: 0.3,
  }
  const outcome = await expectHonesty({ oddities, faults: { shuffle: 0.5, duplicate: 0.1 } })
  expect(outcome?.gateways[0]).toMatchObject({ failure: undefined, parked: 0 })
  expect(outcome?.receipt.empty).toBeGreaterThan(0)
  expect(outcome?.receipt.collapsed).toBeGreaterThan(0)
  expect(outcome?.receipt.rejected).toBe(0)
})

describe('whatever comes together, the result is whole and equal, or an honest failure', () => {
  const names = Object.keys(releases) as ReleaseName[]
  const seeds = Array.from({ length: randomRuns }, (_, i) => firstSeed + i)
  test.each(seeds)('seed %i', async seed => {
    const random = generator(seed)
    const chance = () => (random() < 0.3 ? random() * 0.3 : 0)
    await expectHonesty({
      seed,
      release: names[seed % names.length]!,
      faults: {
        noEnd: chance(),
        reset: chance(),
        stall: chance() / 4,
        shuffle: chance() * 3,
        reverse: chance(),
        duplicate: chance(),
        garbage: chance() / 20,
        garbageAfterEnd: chance(),
        oversized: chance(),
        ignoreFilter: chance(),
        widenRange: chance() * 3,
        refuseUpgrade: chance(),
        rejectConnection: chance(),
        expireSession: chance(),
        restError: chance(),
        prune: chance() / 3,
        strikeWithin: 1 + Math.floor(random() * 1000),
      },
      oddities: {
        nullNames: chance(),
        nullQualifiers: chance(),
        awkwardNames: chance(),
        nullValues: chance(),
        booleans: chance(),
        nested: chance(),
        sameMs: chance(),
        stringIds: chance(),
        segmentIds: chance(),
        extraFields: chance(),
      },
    })
  })
})

/** A small linear congruential generator (Numerical Recipes): a seed must mean the same run everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
