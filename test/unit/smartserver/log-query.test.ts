import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { dataLogPath, percentEncode } from '../../../src/smartserver/log-query.ts'
import { runs } from '../../support/runs.ts'

const morning = { after: Date.UTC(2021, 3, 22, 8), until: Date.UTC(2021, 3, 22, 17, 35, 10) }

function pathOf(selectors: readonly [Selector, ...Selector[]], range = morning): string {
  return dataLogPath({ gateway: 'plant-a', selectors, range }, { release: '4.10' })
}

/** As a servlet container reads a query: split at `&`, at the first `=`, `+` is a space (protocol §9.4). */
function parametersOf(path: string): Map<string, string> {
  const [before, query = ''] = path.split('?')
  expect(before).toBe('/iap/ws')
  return new Map(
    query.split('&').map(parameter => {
      const equals = parameter.indexOf('=')
      return [parameter.slice(0, equals), decodeURIComponent(parameter.slice(equals + 1).replaceAll('+', ' '))]
    }),
  )
}

describe('the path of a data-log request', () => {
  it('is the one of the vendor’s examples, with colons escaped too', () => {
    expect(pathOf([{}], { after: Date.UTC(2022, 3, 11, 7), until: Date.UTC(2022, 3, 12, 7) })).toBe(
      '/iap/ws?value=%2A%2Butc%3E2022-04-11T07%3A00%3A00.000%26utc%3C%3D2022-04-12T07%3A00%3A00.000',
    )
    expect(
      pathOf([{ device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { xif: 'nvoLuxLevel[1]' } }]),
    ).toBe(
      '/iap/ws?dev=%2A%2Bname%3D%3DSensor%201&blockName=%2A%2Bname%3D%3DLightSensor&blockIndex=0' +
        '&dpName=%2A%2BxifName%3D%3DnvoLuxLevel%5B1%5D' +
        '&value=%2A%2Butc%3E2021-04-22T08%3A00%3A00.000%26utc%3C%3D2021-04-22T17%3A35%3A10.000',
    )
  })

  it('names a device by its id where the id is given, and a datapoint by its instance name', () => {
    const parameters = parametersOf(pathOf([{ device: { id: '2', as: 'Hall' }, point: { name: 'Lux hall' } }]))
    expect([...parameters]).toEqual([
      ['dev', '2'],
      ['dpName', '*+name==Lux hall'],
      ['value', '*+utc>2021-04-22T08:00:00.000&utc<=2021-04-22T17:35:10.000'],
    ])
  })

  it('for several datapoints names only what they share', () => {
    const device = { name: 'Sensor 1' }
    const keysOf = (...selectors: [Selector, ...Selector[]]) => [...parametersOf(pathOf(selectors)).keys()]
    const lamp = (index: number, xif: string): Selector => ({ device, block: 'Lamp', index, point: { xif } })
    expect(keysOf(lamp(0, 'a'), lamp(0, 'b'))).toEqual(['dev', 'blockName', 'blockIndex', 'value'])
    expect(keysOf(lamp(0, 'a'), lamp(1, 'a'))).toEqual(['dev', 'blockName', 'dpName', 'value'])
    expect(keysOf(lamp(0, 'a'), { device })).toEqual(['dev', 'value'])
    expect(keysOf({ device }, lamp(0, 'a'))).toEqual(['dev', 'value'])
    expect(keysOf(lamp(0, 'a'), { ...lamp(0, 'a'), point: { name: 'a' } })).toEqual([
      'dev',
      'blockName',
      'blockIndex',
      'value',
    ])
    expect(keysOf(lamp(0, 'a'), { ...lamp(0, 'a'), device: { name: 'Sensor 2' } })).toEqual(['value'])
    expect(keysOf(lamp(0, 'a'), { ...lamp(0, 'a'), device: { id: 'Sensor 1', as: 'Sensor 1' } })).toEqual(['value'])
  })

  it('always filters by both ends of the time, however little else is asked', () => {
    const anyWord = fc.string({ unit: 'binary', minLength: 1 })
    const anySelector: fc.Arbitrary<Selector> = fc.record(
      {
        device: fc.oneof(fc.record({ name: anyWord }), fc.record({ id: anyWord, as: anyWord })),
        block: anyWord,
        index: fc.nat(),
        point: fc.oneof(fc.record({ name: anyWord }), fc.record({ xif: anyWord })),
      },
      { requiredKeys: [] },
    )
    const anyTime = fc.integer({ min: 0, max: 253_402_300_799_999 })
    fc.assert(
      fc.property(
        fc.array(anySelector, { minLength: 1, maxLength: 3 }),
        anyTime,
        fc.integer({ min: 1, max: 1e10 }),
        (selectors, after, length) => {
          fc.pre(after + length <= 253_402_300_799_999)
          const range = { after, until: after + length }
          const path = pathOf(selectors as [Selector, ...Selector[]], range)
          // nothing but unreserved signs and escapes: no proxy can read it otherwise
          expect(path).toMatch(/^\/iap\/ws\?([A-Za-z]+=([A-Za-z0-9_.~-]|%[0-9A-F]{2})*&?)+$/)
          const parameters = parametersOf(path)
          const [, from, to] = /^\*\+utc>([^&]+)&utc<=([^&]+)$/.exec(parameters.get('value')!)!
          expect({ after: Date.parse(`${from}Z`), until: Date.parse(`${to}Z`) }).toEqual(range)
          // never narrower than any of the selectors asks
          for (const selector of selectors) {
            const dev = parameters.get('dev')
            if (dev !== undefined)
              expect(dev).toBe('id' in selector.device! ? selector.device.id : `*+name==${selector.device!.name}`)
            if (parameters.has('blockName')) expect(parameters.get('blockName')).toBe(`*+name==${selector.block}`)
            if (parameters.has('blockIndex')) expect(parameters.get('blockIndex')).toBe(String(selector.index))
            const dpName = parameters.get('dpName')
            if (dpName !== undefined)
              expect(dpName).toBe(
                'xif' in selector.point! ? `*+xifName==${selector.point.xif}` : `*+name==${selector.point!.name}`,
              )
          }
        },
      ),
      { numRuns: runs(500) },
    )
  })

  it.each([
    ['ends where it begins', { after: 5, until: 5 }],
    ['ends before it begins', { after: 6, until: 5 }],
    ['has parts of milliseconds', { after: 0.5, until: 5 }],
    ['never ends', { after: 0, until: Number.POSITIVE_INFINITY }],
    ['has no beginning', { after: Number.NaN, until: 5 }],
    ['lies beyond any calendar', { after: 0, until: 9e15 }],
    ['lies beyond the year 9999, which is written with a sign', { after: 0, until: 253_402_300_800_000 }],
    ['lies before the year 0, which is written with a sign', { after: -62_198_755_200_001, until: 0 }],
  ])('cannot be built for a range that %s', (_, range) => {
    let failure: unknown
    try {
      pathOf([{}], range)
    } catch (error) {
      failure = error
    }
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code: 'bad-range', retry: 'never', reach: 'run' })
  })
})

describe('percent-encoding', () => {
  it('leaves only unreserved signs, and can be undone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => {
        const encoded = percentEncode(text)
        expect(encoded).toMatch(/^([A-Za-z0-9_.~-]|%[0-9A-F]{2})*$/)
        expect(decodeURIComponent(encoded)).toBe(text.toWellFormed())
      }),
    )
  })

  it.each([
    ['+', '%2B'],
    ['*', '%2A'],
    ['&', '%26'],
    ['>', '%3E'],
    ['<', '%3C'],
    ['=', '%3D'],
    [' ', '%20'],
    ['[', '%5B'],
    [']', '%5D'],
    ['/', '%2F'],
    ['ü', '%C3%BC'],
  ])('sends %s as %s (protocol §2.3)', (sign, encoded) => {
    expect(percentEncode(sign)).toBe(encoded)
  })
})
