import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { datapointYaml } from '../../../src/cli/datapoint-yaml.ts'
import { selectorMatches } from '../../../src/domain/datapoint.ts'
import type { LoggedDatapoint } from '../../../src/smartserver/discovery.ts'
import { runs } from '../../support/runs.ts'
import { load } from '../config/config-folder.ts'

const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(...' #:,[]{}"\'\\/$*&!|>%@`-?~+=a1') }),
    fc.constantFrom(
      'Sensor 1',
      'nvoLux[1]',
      '${HOME}',
      '$$',
      'true',
      '12',
      'null',
      '- x',
      'a: b',
      ' lead',
      'a # b',
      'wide\u3000',
    ),
  )
  .filter(text => text.isWellFormed())

const datapoint = fc.record({
  device: fc.record({ id: fc.nat().map(String), name }),
  block: name,
  index: fc.nat(99),
  name,
})

test('whatever names a gateway has, the list of discover means just these datapoints', () => {
  fc.assert(
    fc.property(datapoint, fc.boolean(), (found, isTwin) => {
      const { device, block, index, name: pointName } = found
      const item = datapointYaml(found as LoggedDatapoint, isTwin)
      const isNameable = [block, pointName].every(it => it !== '*' && !/\p{Cc}/u.test(it))
      const byId = isTwin || device.name === '*' || /[\p{Cc}&]/u.test(device.name)
      expect(item !== undefined).toBe(isNameable)
      if (item === undefined) return
      const config = load(`gateways:
  a:
    url: https://a
    username: u
    password: p
    datapoints:
      - ${item} # a remark
`)
      const { selector } = config.gateways[0]!.datapoints[0]!
      expect(selector).toEqual({
        device: byId ? { id: device.id, as: expect.any(String) } : { name: device.name },
        block,
        index,
        point: { name: pointName },
      })
      expect(
        selectorMatches(selector, {
          device: device.name,
          deviceId: device.id,
          block,
          index,
          name: pointName,
          xif: 'x',
        }),
      ).toBe(true)
    }),
    {
      numRuns: runs(500),
      // a dash alone begins a list where it is not quoted
      examples: [[{ device: { id: '0', name: '*' }, block: '-', index: 0, name: ' ' }, false]],
    },
  )
})

test('a device whose name cannot be sent goes by its id, and keeps its name in the database', () => {
  const found = { device: { id: '5', name: 'Tank & Pump' }, block: 'b', index: 0, name: 'p' } as LoggedDatapoint
  const item = datapointYaml(found, false)
  expect(parse(item!)).toMatchObject({ device: { id: '5', as: 'Tank & Pump' } })
  expect(parse(datapointYaml(found, true)!)).toMatchObject({ device: { id: '5', as: 'Tank & Pump (5)' } })
})
