import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { type Clock, systemClock } from '../../src/domain/clock.ts'
import { toFailure } from '../../src/domain/failure.ts'
import type { RunOutcome } from '../../src/pipeline/run.ts'
import type { Faults } from '../../src/simulator/faults.ts'
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
  const { signal } = new AbortController()
  const outcome = await app
    .run({ wanted: () => ({ after, until }), gateway: undefined, secondLookMs: 0 }, () => {}, signal)
    .catch((error: unknown) => {
      expect(toFailure(error).code).not.toBe('unexpected')
      return undefined
    })
  const selectors = config.gateways[0]!.datapoints.map(({ selector }) => selector)
  const covered = [...app.ledger.coverage({ sink: app.sink.id, gateway: 'g' }, selectors).values()]
  const whole = covered.map(({ final }) => final).reduce((a, b) => a.intersect(b))
  await app.close()

  const stored = cellsOfSqlite(join(site.folder, 'points.db'))
  const isWhole = whole.covers({ after, until })
  if (outcome?.gateways[0]?.failure === undefined && outcome?.gateways[0]?.parked === 0) expect(isWhole).toBe(true)
  // what was pruned while it was being sent is the gateway's loss: there may be more in the database, never less
  const truth = hostility.faults?.prune ? cellsOf(gateway.store.read(() => true, after, until)) : undefined
  if (isWhole && truth === undefined) expectSame(stored, expectedCells(gateway.history, after, until))
  else if (isWhole) expectHolds(stored, truth!)
  for (const part of whole.ranges)
    if (truth === undefined) expectHolds(stored, expectedCells(gateway.history, part.after, part.until))
  expect(gateway.stats.maxOpenLogSockets).toBe(1)
  await gateway.close()
  await site.remove()
  return outcome
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
    ['garbageAfterEnd', { garbageAfterEnd: 0.4 }],
    ['oversized', { oversized: 0.4 }],
    ['ignoreFilter', { ignoreFilter: 1 }],
    ['widenRange', { widenRange: 1 }],
    ['refuseUpgrade', { refuseUpgrade: 0.4 }],
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
