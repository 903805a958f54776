import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareInstants,
  type Instant,
  instantOfNanoseconds,
  isoText,
  nanoseconds,
  nanosecondsText,
} from '../../../src/domain/instant.ts'
import { runs } from '../../support/runs.ts'

const anyInstant: fc.Arbitrary<Instant> = fc.record({
  ms: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 })),
  nanos: fc.oneof(fc.constantFrom(0, 1, 999_999), fc.integer({ min: 0, max: 999_999 })),
})

describe('an instant', () => {
  it.each<[Instant, string]>([
    [{ ms: 0, nanos: 0 }, '0'],
    [{ ms: 0, nanos: 1 }, '1'],
    [{ ms: 1, nanos: 0 }, '1000000'],
    [{ ms: 1_650_000_000_123, nanos: 0 }, '1650000000123000000'],
    [{ ms: 1_650_000_000_123, nanos: 42 }, '1650000000123000042'],
    [{ ms: 1_650_000_000_123, nanos: 999_999 }, '1650000000123999999'],
    [{ ms: -1, nanos: 0 }, '-1000000'],
    [{ ms: -1, nanos: 999_999 }, '-1'],
    [{ ms: -1_000, nanos: 250_000 }, '-999750000'],
  ])('%j is %s ns since 1970', (at, text) => {
    // leading zeros would be harmless, but a text that differs is a different number to some databases
    expect(BigInt(nanosecondsText(at))).toBe(BigInt(text))
    expect(nanoseconds(at)).toBe(BigInt(text))
  })

  it('keeps every digit in its nanoseconds, also before 1970', () => {
    fc.assert(
      fc.property(anyInstant, at => {
        const expected = BigInt(at.ms) * 1_000_000n + BigInt(at.nanos)
        expect(nanoseconds(at)).toBe(expected)
        expect(BigInt(nanosecondsText(at))).toBe(expected)
        expect(nanosecondsText(at)).toMatch(/^-?\d+$/)
        expect(instantOfNanoseconds(expected)).toEqual(at)
      }),
      { numRuns: runs(500) },
    )
  })

  it('comes before another exactly if its nanoseconds do', () => {
    fc.assert(
      fc.property(anyInstant, anyInstant, (a, b) => {
        const [nsA, nsB] = [nanoseconds(a), nanoseconds(b)]
        expect(Math.sign(compareInstants(a, b))).toBe(nsA < nsB ? -1 : nsA > nsB ? 1 : 0)
      }),
    )
    expect(compareInstants({ ms: 5, nanos: 1 }, { ms: 5, nanos: 0 })).toBeGreaterThan(0)
  })

  it('is shown in UTC whatever the zone of the host', () => {
    expect(isoText(1_650_000_000_123)).toBe('2022-04-15T05:20:00.123Z')
    expect(isoText(-1)).toBe('1969-12-31T23:59:59.999Z')
  })
})
