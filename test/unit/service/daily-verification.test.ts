import { expect, test } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import type { RangeCheck } from '../../../src/ledger/memory.ts'
import { createDailyVerification } from '../../../src/service/daily-verification.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const never = new AbortController().signal
const hour = 3_600_000

/** Gateways whose ranges the test judges; `remembered`: by an earlier process. */
function openVerification(remembered: Record<string, RangeCheck> = {}) {
  const clock = steeredClock()
  const { log, lines } = recordedLog()
  const kept = new Map(Object.entries(remembered))
  const checks: string[] = []
  let underWay = 0
  let verdictOf: (gateway: string) => RangeCheck['verdict'] | Failure | undefined = () => 'held'
  const check = async (gateway: string): Promise<RangeCheck | undefined> => {
    checks.push(gateway)
    expect(++underWay).toBe(1)
    await Promise.resolve()
    underWay--
    const verdict = verdictOf(gateway)
    if (verdict instanceof Failure) throw verdict
    if (verdict === undefined) return undefined
    const result = {
      at: clock.now(),
      turn: 0,
      selector: {},
      range: { after: 0, until: 1 },
      proof: 5,
      found: 5,
      verdict,
    }
    kept.set(gateway, result)
    return result
  }
  const parts = { check, lastOf: (gateway: string) => kept.get(gateway), clock, log }
  const daily = createDailyVerification(['a', 'b'], parts)
  return {
    ...{ clock, lines, checks, daily, kept },
    judge: (verdict: typeof verdictOf) => {
      verdictOf = verdict
    },
    /** A look every ten minutes for so long. */
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += 600_000) {
        await daily.look(never)
        clock.advance(600_000)
      }
    },
  }
}

test('each gateway is verified once a day, one after the other', async () => {
  const { checks, pass, daily } = openVerification()
  await pass(24 * hour)
  expect(checks).toEqual(['a', 'b'])
  await pass(48 * hour)
  expect(checks).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  expect(daily.isHeld()).toBe(true)
})

test('a restart does not bring the next one forward; a clock that was set back does not put it off', async () => {
  const first = openVerification()
  await first.pass(hour)
  const second = openVerification(Object.fromEntries(first.kept))
  await second.pass(hour)
  expect(second.checks).toEqual([])
  second.clock.set(second.clock.now() - 100 * 24 * hour)
  await second.pass(hour)
  expect(second.checks).toEqual(['a', 'b'])
})

test.each([
  'missing',
  'inconsistent',
] as const)('a range found %s is loud, and looked at every hour until it is whole', async verdict => {
  const { checks, pass, daily, judge, lines } = openVerification()
  judge(gateway => (gateway === 'a' ? verdict : 'held'))
  await pass(3 * hour)
  expect(checks).toEqual(['a', 'b', 'a', 'a'])
  expect(daily.isHeld()).toBe(false)
  expect(lines.filter(({ level }) => level >= 40)).toHaveLength(3)
  judge(() => 'held')
  await pass(3 * hour)
  expect(daily.isHeld()).toBe(true)
  expect(checks).toHaveLength(5)
})

test('a database that cannot be asked is no loss: it is said once, and tried again', async () => {
  const { checks, pass, daily, judge, lines } = openVerification()
  judge(() => new Failure('away', { code: 'database-away', retry: 'soon', reach: 'sink' }))
  await pass(hour)
  expect(checks).toHaveLength(12)
  expect(lines.filter(({ level }) => level >= 40)).toHaveLength(2)
  expect(daily.isHeld()).toBe(true)
  judge(() => new Failure('broken', { code: 'ledger', retry: 'never', reach: 'run' }))
  await expect(daily.look(never)).rejects.toMatchObject({ code: 'ledger' })
})

test('before there is a complete range nothing is said', async () => {
  const { pass, judge, lines, daily } = openVerification()
  judge(() => undefined)
  await pass(hour)
  expect(lines).toEqual([])
  expect(daily.isHeld()).toBe(true)
})
