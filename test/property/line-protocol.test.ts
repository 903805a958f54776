import { Point as ClientPoint } from '@influxdata/influxdb-client'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Point } from '../../src/domain/point.ts'
import { createLineFormat, lineOf } from '../../src/sinks/line-protocol/format-lines.ts'
import { nameable, nameText, originalName, spellingWithoutBackslash } from '../../src/sinks/line-protocol/names.ts'
import { parseLines } from '../../src/sinks/line-protocol/parse-lines.ts'
import { runs } from '../support/runs.ts'

/** What the official client can express too: it leaves control characters and a final backslash to its caller. */
const plainText = fc
  .string({ unit: fc.constantFrom(...'abZ09 ,="\\/%é😀'), minLength: 1, maxLength: 8 })
  .filter(text => !text.endsWith('\\'))

/** Keys like `9` come first in every JavaScript object, so that ours cannot be put in the client's order. */
const names = plainText.filter(name => !/^\d+$/.test(name))
const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const instant = fc.record({ ms: fc.integer({ min: 1, max: 4e12 }), nanos: fc.integer({ min: 0, max: 999_999 }) })

describe('a line', () => {
  it('is the one that the official client writes', () => {
    fc.assert(
      fc.property(
        plainText,
        fc.dictionary(names, plainText, { maxKeys: 4, noNullPrototype: true }),
        fc.dictionary(names, fc.oneof(finite, plainText, fc.boolean()), {
          minKeys: 1,
          maxKeys: 4,
          noNullPrototype: true,
        }),
        instant,
        (measurement, tags, fields, at) => {
          const client = new ClientPoint(measurement).timestamp(`${BigInt(at.ms) * 1_000_000n + BigInt(at.nanos)}`)
          for (const [key, value] of Object.entries(tags)) client.tag(key, value)
          for (const [key, value] of Object.entries(fields))
            if (typeof value === 'number') client.floatField(key, value)
            else if (typeof value === 'string') client.stringField(key, value)
            else client.booleanField(key, value)
          // The client sorts both by key.
          const sorted = <T>(record: Record<string, T>) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
          const series = { measurement, tags: new Map(sorted(tags)) }
          const line = lineOf({ series, at, fields: Object.fromEntries(sorted(fields)) })
          expect(line).toBe(client.toLineProtocol())
        },
      ),
    )
  })
})

describe('lines that are read again', () => {
  const anyText = fc.string({ unit: fc.constantFrom(...'aT1 ,="\\\n␊␦#é😀'), maxLength: 6 })
  const fields = fc.dictionary(anyText, fc.oneof(finite, anyText, fc.boolean()), { minKeys: 1, maxKeys: 4 })
  const point = fc.record({ measurement: anyText, tags: fc.dictionary(anyText, anyText), fields, at: instant })

  it('give the very same points, whatever their names and texts hold', () => {
    fc.assert(
      fc.property(fc.array(point, { maxLength: 4 }), points => {
        const made = points.map(({ measurement, tags, fields: own, at }) => ({
          series: { measurement, tags: new Map(Object.entries(tags)) },
          at,
          fields: own,
        }))
        const plain = ({ series, at, fields: own }: Point) => [
          series.measurement,
          [...series.tags].sort(),
          at,
          Object.entries(own).map(([name, value]) => [name, value === 0 ? 0 : value]),
        ]
        const read = parseLines(made.map(lineOf).join('\n'), (measurement, tags) => ({
          measurement,
          tags: new Map(Object.entries(tags)),
        }))
        expect([...read].map(plain)).toEqual(made.map(plain))
      }),
      { numRuns: runs(2_000) },
    )
  })

  it('are refused where they are none', () => {
    const series = () => ({ measurement: '', tags: new Map() })
    for (const text of ['a', 'a b', 'a b= 1', 'a b="c 1', 'a b=x 1'])
      expect(() => [...parseLines(text, series)], text).toThrow()
  })
})

describe('a name', () => {
  const anyName = fc.string({
    unit: fc.constantFrom('a', 'b', '\\', '\n', '\r', '\t', '\x00', '\x7f', '␊', '␡', '␥', '␦', '#'),
  })

  it('is never written like another one', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        expect(nameable(a) === nameable(b)).toBe(a === b)
      }),
      { numRuns: runs(20_000) },
    )
  })

  it('comes back as it was when it is read', () => {
    fc.assert(
      fc.property(fc.oneof(anyName, fc.constant('time')), name => {
        expect(originalName(nameable(name))).toBe(name)
        expect(originalName(nameText(name))).toBe(name)
      }),
    )
  })

  it('without a backslash is never written like another one, and comes back as it was', () => {
    const { key, value } = spellingWithoutBackslash
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        expect(value(a)).not.toContain('\\')
        expect(value(a) === value(b)).toBe(a === b)
        expect(originalName(value(a))).toBe(a)
        expect(originalName(key(a))).toBe(a)
      }),
      { numRuns: runs(20_000) },
    )
    expect(
      createLineFormat(spellingWithoutBackslash)({
        series: { measurement: 'm', tags: new Map([['d', 'a\\,b']]) },
        at: { ms: 1, nanos: 0 },
        fields: { v: 1 },
      }),
    ).toBe('m,d=a␥\\,b v=1 1000000')
  })

  it('is never empty, never ends in a backslash and holds no control character', () => {
    fc.assert(
      fc.property(anyName, name => {
        expect(nameable(name)).toMatch(/^[^\x00-\x1f\x7f]*[^\\\x00-\x1f\x7f]$/)
      }),
    )
  })
})
