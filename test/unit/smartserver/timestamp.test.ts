import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantOfNanoseconds, nanoseconds } from '../../../src/domain/instant.ts'
import { parseTimestamp } from '../../../src/smartserver/timestamp.ts'
import { runs } from '../../support/runs.ts'

const at = Date.UTC

describe('a timestamp of the gateway', () => {
  it.each<[string, number, number]>([
    // the forms of protocol §3.2, each with its moment
    ['2021-04-22T08:00:00.000Z[UTC]', at(2021, 3, 22, 8), 0],
    ['2019-01-11T15:27:52.994-08:00[America/Los_Angeles]', at(2019, 0, 11, 23, 27, 52, 994), 0],
    ['2019-01-11 23:27:46.045 UTC', at(2019, 0, 11, 23, 27, 46, 45), 0],
    ['Wed, 21 Apr 2021 17:35:10 GMT', at(2021, 3, 21, 17, 35, 10), 0],
    ['Wed, 21 Apr 2021 17:35:10', at(2021, 3, 21, 17, 35, 10), 0],
    // fraction digits 0 … 9, seconds left out
    ['2021-04-22T08:00Z[UTC]', at(2021, 3, 22, 8), 0],
    ['2021-04-22T08:00:01Z[UTC]', at(2021, 3, 22, 8, 0, 1), 0],
    ['2021-04-22T08:00:00.1Z', at(2021, 3, 22, 8, 0, 0, 100), 0],
    ['2021-04-22T08:00:00.123456Z[UTC]', at(2021, 3, 22, 8, 0, 0, 123), 456_000],
    ['2021-04-22T08:00:00.123456789Z[UTC]', at(2021, 3, 22, 8, 0, 0, 123), 456_789],
    ['2021-04-22T08:00:00.000000001Z[UTC]', at(2021, 3, 22, 8), 1],
    // zones: half hours, no colon, the day changes
    ['2021-04-22T08:00:00.000+05:30[Asia/Kolkata]', at(2021, 3, 22, 2, 30), 0],
    ['2021-04-22T00:15:00.5+0545', at(2021, 3, 21, 18, 30, 0, 500), 0],
    ['2021-04-22T08:00:00.000+00:00[Europe/London]', at(2021, 3, 22, 8), 0],
    // the hour that comes twice is distinguished by its offset
    ['2022-10-30T02:30:00.000+02:00[Europe/Berlin]', at(2022, 9, 30, 0, 30), 0],
    ['2022-10-30T02:30:00.000+01:00[Europe/Berlin]', at(2022, 9, 30, 1, 30), 0],
    // edges of the calendar
    ['2024-02-29T23:59:59.999Z[UTC]', at(2024, 1, 29, 23, 59, 59, 999), 0],
    ['1970-01-01T00:00:00.000Z[UTC]', 0, 0],
    ['1969-12-31T23:59:59.999999Z[UTC]', -1, 999_000],
  ])('%s is understood', (text, ms, nanos) => {
    expect(parseTimestamp(text)).toEqual({ ms, nanos })
  })

  it.each([
    ['a local time that may come twice', '2019-01-12 02:27:46.045 Europe/Kirov'],
    ['no zone at all', '2021-04-22T08:00:00.000'],
    ['a day that does not exist', '2021-02-29T08:00:00.000Z[UTC]'],
    ['a month that does not exist', '2021-13-01T08:00:00.000Z[UTC]'],
    ['an hour that does not exist', '2021-04-22T24:00:00.000Z[UTC]'],
    ['a minute that does not exist', '2021-04-22T08:60:00.000Z[UTC]'],
    ['an offset that does not exist', '2021-04-22T08:00:00.000+25:00'],
    ['letters for digits', '2021-04-22T08:00:0O.000Z[UTC]'],
    ['a month of another language', 'Mi, 21 Mai 2021 17:35:10 GMT'],
    ['something behind', '2021-04-22T08:00:00.000Z[UTC] '],
    ['too many digits', '2021-04-22T08:00:00.0000000001Z'],
    ['nothing', ''],
    ['a number', '1619078400000'],
  ])('with %s is not guessed', (_, text) => {
    expect(parseTimestamp(text)).toBeUndefined()
  })

  const anyNanoseconds = fc.bigInt({ min: -62_135_596_800_000_000_000n, max: 253_402_300_799_999_999_999n })

  it('gives back every moment of the years 1 to 9999, with any number of digits and any offset', () => {
    fc.assert(
      fc.property(
        anyNanoseconds,
        fc.nat(9),
        fc.integer({ min: -18 * 60, max: 18 * 60 }),
        fc.constantFrom('T', ' '),
        fc.constantFrom('', '[Zone/Id]'),
        (ns, digits, offsetMinutes, between, zone) => {
          const cut = 10n ** BigInt(9 - digits)
          const kept = ns - (((ns % cut) + cut) % cut)
          const shifted = instantOfNanoseconds(kept + BigInt(offsetMinutes) * 60_000_000_000n)
          const local = new Date(shifted.ms).toISOString()
          fc.pre(/^\d{4}-/.test(local))
          const nanosOfSecond = String((((shifted.ms % 1000) + 1000) % 1000) * 1_000_000 + shifted.nanos)
          const fraction = digits === 0 ? '' : `.${nanosOfSecond.padStart(9, '0').slice(0, digits)}`
          const minutes = Math.abs(offsetMinutes)
          const two = (value: number) => String(value).padStart(2, '0')
          const offset = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
          const text = `${local.slice(0, 10)}${between}${local.slice(11, 19)}${fraction}${offset}${zone}`
          const read = parseTimestamp(text)
          expect(read, text).toBeDefined()
          expect(nanoseconds(read!), text).toBe(kept)
        },
      ),
      { numRuns: runs(1_000) },
    )
  })

  it('in the usual form is read as in the general one', () => {
    const anyDigit = fc.constantFrom(...'0123456789')
    const shape = 'dddd-dd-ddTdd:dd:dd.ddd'
    const anyUsual = fc
      .array(anyDigit, { minLength: 17, maxLength: 17 })
      .map(digits => shape.replace(/d/g, () => digits.shift()!))
    const anyDate = fc
      .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
      .map(date => date.toISOString().slice(0, -1))
    fc.assert(
      fc.property(fc.oneof(anyUsual, anyDate), text => {
        expect(parseTimestamp(`${text}Z[UTC]`)).toEqual(parseTimestamp(`${text}Z[Etc/UTC]`))
      }),
      { numRuns: runs(1_000) },
    )
  })

  it('of any other kind is never an error and never takes long', () => {
    const shapes = [
      '2021-04-22T08:00:00.000Z[UTC]',
      '2019-01-11T15:27:52.994-08:00[America/Los_Angeles]',
      '2019-01-12 02:27:46.045 Europe/Kirov',
      'Wed, 21 Apr 2021 17:35:10 GMT',
    ]
    const mutated = fc
      .tuple(fc.constantFrom(...shapes), fc.nat(50), fc.nat(5), fc.string({ maxLength: 6, unit: 'binary' }))
      .map(([shape, place, cut, put]) => shape.slice(0, place) + put + shape.slice(place + cut))
    const started = performance.now()
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string({ unit: 'binary' })), text => {
        const read = parseTimestamp(text)
        if (read === undefined) return
        expect(Number.isSafeInteger(read.ms)).toBe(true)
        expect(read.nanos).toBeGreaterThanOrEqual(0)
        expect(read.nanos).toBeLessThan(1_000_000)
      }),
      { numRuns: runs(5_000) },
    )
    for (const long of ['9'.repeat(1e6), `2021-04-22T08:00:00.${'0'.repeat(1e6)}`, `${shapes[0]}${'['.repeat(1e6)}`])
      expect(parseTimestamp(long)).toBeUndefined()
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})
