import { describe, expect, it } from 'vitest'
import { lineOf } from '../../../src/sinks/line-protocol/format-lines.ts'
import { makePoint, makeSeries } from '../../support/points.ts'

const at = 1_600_000_000_000

function line(tags: Record<string, string>, measurement = 'datalog'): string {
  return lineOf(makePoint({ measurement, tags: new Map(Object.entries(tags)) }, at, { value: 1 }))
}

describe('a line of line protocol', () => {
  it('has the time in nanoseconds with every digit', () => {
    expect(lineOf(makePoint(makeSeries(), at, { value: 1 }, 42))).toBe(
      'datalog,block=LightSensor,datapoint=nvoLux,device=Sensor\\ 1,gateway=plant-a,index=0 value=1 1600000000000000042',
    )
  })

  it('writes a whole number as a float, and texts in quotes', () => {
    const { length } = line({})
    const text = lineOf(makePoint({ measurement: 'm', tags: new Map() }, at, { a: 1e21, b: 'say "\\"', c: true }))
    expect(length).toBeGreaterThan(0)
    expect(text).toBe('m a=1e+21,b="say \\"\\\\\\"",c=T 1600000000000000000')
  })

  it.each([
    ['a newline', 'a\nb', 'a␊b'],
    ['a final backslash', 'C:\\', 'C:\\␦'],
    ['no letter at all', '', '␦'],
    ['a picture of a newline', 'a␊b', 'a␦␊b'],
    ['the sign itself', '␦', '␦␦'],
  ])('can hold a tag with %s', (_, value, written) => {
    expect(line({ device: value })).toBe(`datalog,device=${written} value=1 1600000000000000000`)
  })

  it('does not become a comment', () => {
    expect(line({}, '#1')).toBe('␦#1 value=1 1600000000000000000')
  })

  it('does not lose a field called time', () => {
    expect(lineOf(makePoint({ measurement: 'm', tags: new Map() }, at, { time: 1 }))).toBe(
      'm ␦time=1 1600000000000000000',
    )
  })
})
