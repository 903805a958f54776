import { describe, expect, test } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { dataLogPath } from '../../../src/smartserver/log-query.ts'
import { answersTime, releaseNumber, xifForm } from '../../../src/smartserver/release.ts'

const range = { after: Date.UTC(2022, 3, 11, 7), until: Date.UTC(2022, 3, 12, 7) }

function parameters(selector: Selector, release?: string): Record<string, string> {
  const path = dataLogPath({ gateway: 'g', selectors: [selector], range }, { release })
  expect(path).toMatch(/^\/iap\/ws\?[A-Za-z0-9\-_.~%&=]+$/)
  // "+" never stands raw, so this decodes as the gateway does
  const pairs = [...new URLSearchParams(path.slice(path.indexOf('?') + 1))]
  return Object.fromEntries(pairs.filter(([key]) => key !== 'value'))
}

describe('a release', () => {
  test('is a number by the arithmetic of the vendor', () => {
    expect(releaseNumber('3.20.114')).toBe(320_114)
    expect(releaseNumber('2.80.015')).toBe(280_015)
    expect(releaseNumber('4.10')).toBe(410_000)
    expect(releaseNumber('4.10.038-beta')).toBe(410_038)
  })

  test('is unknown where the text does not begin like one', () => {
    for (const text of [undefined, '', 'SmartServer', 'v4', '4', '12345.1']) expect(releaseNumber(text)).toBeUndefined()
  })

  test('answers with its time from 4.1 on', () => {
    expect(['4.10.001', '4.20', '5.0.0'].every(answersTime)).toBe(true)
    expect(['3.60.012', '4.0.100', undefined].some(answersTime)).toBe(false)
  })
})

describe('an XIF name in a data-log query', () => {
  const selector: Selector = { device: { name: 'Sensor 1' }, block: 'L', index: 0, point: { xif: 'nvoLux[1]' } }

  test('has its own key from 3.20.114 on and stands bare before', () => {
    expect(parameters(selector, '3.20.114')['dpName']).toBe('*+xifName==nvoLux[1]')
    expect(parameters(selector, '4.10.038')['dpName']).toBe('*+xifName==nvoLux[1]')
    expect(parameters(selector, '3.20.113')['dpName']).toBe('nvoLux[1]')
    expect(xifForm('2.80.015')).toBe('bare')
  })

  test('is filtered on arrival where the release is unknown: either form could mean another datapoint', () => {
    expect(parameters(selector)).toEqual({ dev: '*+name==Sensor 1', blockName: '*+name==L', blockIndex: '0' })
  })

  test('changes nothing for instance names: those are explicit in every release', () => {
    for (const release of [undefined, '2.80.015', '3.20.114'])
      expect(parameters({ ...selector, point: { name: 'Lux' } }, release)['dpName']).toBe('*+name==Lux')
  })
})

describe('a name that cannot be sent safely', () => {
  const odd = ['Tank & Pump', 'line\nbreak', 'half \ud800 pair']

  test('of a datapoint or block is left out, and what remains holds it', () => {
    for (const name of odd) {
      const whole: Selector = { device: { id: '5', as: 'x' }, block: 'L', index: 0, point: { name } }
      expect(parameters(whole)).toEqual({ dev: '5', blockName: '*+name==L', blockIndex: '0' })
      expect(parameters({ device: { name: 'd' }, block: name, point: { name: 'p' } })).toEqual({
        dev: '*+name==d',
        dpName: '*+name==p',
      })
    }
  })

  test('of a device widens the request to the gateway, bounded in time as ever', () => {
    for (const name of odd) {
      expect(parameters({ device: { name }, block: 'L', index: 0, point: { name: 'p' } })).toEqual({})
      expect(dataLogPath({ gateway: 'g', selectors: [{ device: { name } }], range })).toContain('?value=%2A%2Butc%3E')
    }
  })

  test('is not one with a slash, plus, equals sign, quotes or letters beyond ASCII', () => {
    for (const name of ['a/b', 'a+b', 'a=b', `"a" 'b'`, 'Kühlturm', '温度'])
      expect(parameters({ device: { name } })['dev']).toBe(`*+name==${name}`)
  })
})
