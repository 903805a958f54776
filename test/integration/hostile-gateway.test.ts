import { describe, expect, test } from 'vitest'
import { type FaultName, type Faults, noFaults } from '../../src/simulator/faults.ts'
import type { Oddities } from '../../src/simulator/oddities.ts'
import type { SimulatorOptions } from '../../src/simulator/options.ts'
import { type ReleaseName, releases } from '../../src/simulator/releases.ts'
import { expectHonesty } from '../support/honesty.ts'

/** CI has the time for each row by itself on each release; here what is no fault shares runs and releases. */
const isThorough = process.env['CI'] !== undefined
/** How long chance is given. `HOSTILE_SECONDS=600 RANDOM_SEED=1000 npm test -- hostile` looks further. */
const seconds = Number(process.env['HOSTILE_SECONDS'] ?? (isThorough ? 45 : 8))
const firstSeed = Number(process.env['RANDOM_SEED'] ?? 1)

const names = Object.keys(releases) as ReleaseName[]

/** Each fault often enough to strike. It is a record so that no fault can be forgotten. */
const faults: Readonly<Record<FaultName, SimulatorOptions>> = {
  noEnd: { faults: { noEnd: 0.2 } },
  reset: { faults: { reset: 0.2 } },
  stall: { faults: { stall: 0.25 } },
  trickle: { faults: { trickle: 0.3, trickleMs: 2 } },
  shuffle: { faults: { shuffle: 1 } },
  reverse: { faults: { reverse: 1 } },
  duplicate: { faults: { duplicate: 0.3, shuffle: 0.5 } },
  garbage: { faults: { garbage: 0.05 } },
  garbageAfterEnd: { faults: { garbageAfterEnd: 0.2 } },
  oversized: { faults: { oversized: 0.2 } },
  prune: { faults: { prune: 0.2 } },
  ignoreFilter: { faults: { ignoreFilter: 1 } },
  widenRange: { faults: { widenRange: 1 } },
  refuseUpgrade: { faults: { refuseUpgrade: 0.2, refuseWith: [302, 401, 403, 503] } },
  rejectConnection: { faults: { rejectConnection: 0.3 } },
  expireSession: { faults: { expireSession: 0.5 } },
  restError: { faults: { restError: 0.3 } },
  // more devices than a page holds
  changeSnapshot: { faults: { changeSnapshot: 0.3 }, devices: 120, interval: 7_200 },
  stealSubscription: { faults: { stealSubscription: 1 }, statusMs: 20 },
}

type OddityName = Exclude<keyof Oddities, 'lateMs' | 'futureMs'>

const oddities: Readonly<Record<OddityName, Oddities>> = {
  nullNames: { nullNames: 0.5 },
  nullQualifiers: { nullQualifiers: 0.5 },
  awkwardNames: { awkwardNames: 1 },
  nullValues: { nullValues: 0.2 },
  booleans: { booleans: 0.2 },
  nested: { nested: 0.2 },
  sameMs: { sameMs: 0.2 },
  late: { late: 0.3 },
  future: { future: 0.3 },
  stringIds: { stringIds: 0.5 },
  segmentIds: { segmentIds: 0.5 },
  extraFields: { extraFields: 0.5 },
}

const oddityRows: readonly (readonly [string, Oddities])[] = isThorough
  ? Object.entries(oddities)
  : [['of every kind', Object.assign({}, ...Object.values(oddities))]]

/** The habits that a data-log request meets, where need be with the fault that makes them show. */
const expiring = { faults: { expireSession: 0.5 } }
const habits: Readonly<Record<string, SimulatorOptions>> = {
  'names fall back': { nameFallback: true, oddities: { nullNames: 0.5 } },
  'times as Java prints them': { timeText: 'java', fractionDigits: 3 },
  'tags as a list': { tagsShape: 'array' },
  'a lenient answer to bad queries': { badQuery: 'end', oddities: { awkwardNames: 1 } },
  'short sessions': { sessionTimeoutMs: 300 },
  'sliding sessions': { sessionTimeoutMs: 300, slidingSessions: true },
  'sessions that take their sockets along': { ...expiring, expiryClosesSockets: true },
  'expired: REST redirects, upgrades too': { ...expiring, expiredAnswer: 'redirect', upgradeRefusal: 302 },
  'expired: REST shows a page, upgrades are forbidden': { ...expiring, expiredAnswer: 'html', upgradeRefusal: 403 },
  'too fast now and then': { requestsPerSecond: 5 },
}

/** A fault that never relents leaves nothing complete. */
const relentless: readonly Faults[] = [
  ...[1000, 1006, 1011].map(code => ({ noEnd: 1, noEndCodes: [code] })),
  ...[302, 401, 403, 503].map(status => ({ refuseUpgrade: 1, refuseWith: [status] })),
  { reset: 1 },
  { oversized: 1 },
  { garbageAfterEnd: 1 },
]

describe.concurrent('a gateway that never gives a good answer', { timeout: 60_000 }, () => {
  test.each(
    relentless.map((it, i) => [JSON.stringify(it), it, names[i % names.length]!] as const),
  )('%s: nothing is recorded as complete', async (_, hostility, release) => {
    const { outcome } = await expectHonesty({ release, faults: hostility })
    expect(outcome?.requests).toBe(0)
    expect(outcome?.gateways[0]?.failure).toBeDefined()
  })
})

describe.concurrent.each(names)('release %s is whole and equal, or fails honestly, with', {
  timeout: 60_000,
}, release => {
  test.each(Object.entries(faults) as [FaultName, SimulatorOptions][])('the fault %s', async (fault, hostility) => {
    const { stats } = await expectHonesty({ release, ...hostility })
    // nobody subscribes in a run: that there is something to steal is another test's business
    if (fault !== 'stealSubscription') expect(stats.faults[fault]).toBeGreaterThan(0)
  })

  test.each(oddityRows)('the oddity %s', async (_, oddity) => {
    const { outcome } = await expectHonesty({ release, oddities: oddity, faults: { shuffle: 0.5, duplicate: 0.1 } })
    expect(outcome?.gateways[0]).toMatchObject({ failure: undefined, parked: 0 })
    expect(outcome?.receipt.rejected).toBe(0)
  })

  const met = Object.entries(habits).filter((_, i) => isThorough || names[i % names.length] === release)
  test.each(met)('the habit: %s', async (_, hostility) => {
    await expectHonesty({ release, ...hostility })
  })
})

test(
  'whatever comes together, the result is whole and equal, or an honest failure',
  async () => {
    const deadline = performance.now() + seconds * 1000
    for (let seed = firstSeed; performance.now() < deadline; seed++) {
      const hostility = drawHostility(seed)
      await expectHonesty(hostility).catch((error: unknown) => {
        throw new Error(`RANDOM_SEED=${seed} HOSTILE_SECONDS=1: ${JSON.stringify(hostility)}: ${error}`, {
          cause: error,
        })
      })
    }
  },
  (seconds + 60) * 1000,
)

/** About a third of everything at once, each now and then. */
function drawHostility(seed: number): SimulatorOptions {
  const random = generator(seed)
  const pick = <T>(...choices: readonly T[]) => choices[Math.floor(random() * choices.length)]!
  const chances = <Name extends string>(all: readonly Name[]) =>
    Object.fromEntries(all.map(name => [name, random() < 0.3 ? random() * 0.3 : 0])) as Record<Name, number>
  const { changeSnapshot, stall, garbage, prune, ...others } = chances(Object.keys(faults) as FaultName[])
  return {
    seed,
    release: pick(...names),
    nameFallback: pick(true, false),
    timeText: pick('fixed', 'java'),
    tagsShape: pick('object', 'array'),
    expiredAnswer: pick('401', 'redirect', 'html'),
    upgradeRefusal: pick(401, 403, 302),
    expiryClosesSockets: pick(true, false),
    slidingSessions: pick(true, false),
    sessionTimeoutMs: pick(500, 86_400_000),
    faults: {
      ...others,
      stall: stall / 4,
      garbage: garbage / 10,
      prune: prune / 3,
      trickleMs: 2,
      refuseWith: pick([302], [401], [403], [503], noFaults.refuseWith),
      strikeWithin: 1 + Math.floor(random() * 200),
    },
    oddities: chances(Object.keys(oddities) as OddityName[]),
  }
}

/** A small linear congruential generator (Numerical Recipes): a seed must mean the same run everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
