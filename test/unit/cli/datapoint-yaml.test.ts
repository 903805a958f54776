import fc from 'fast-check'
import { expect, test } from 'vitest'
import { datapointYaml } from '../../../src/cli/datapoint-yaml.ts'
import { selectorMatches } from '../../../src/domain/datapoint.ts'
import type { LoggedDatapoint } from '../../../src/smartserver/discovery.ts'
import { load } from '../config/config-folder.ts'

const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(...' #:,[]{}"\'\\/$*&!|>%@`-?~+=a1') }),
    fc.constantFrom('Sensor 1', 'nvoLux[1]', '${HOME}', '$$', 'true', '12', 'null', '- x', 'a: b', ' lead', 'a # b'),
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
      const isNameable = [block, pointName, ...(isTwin ? [] : [device.name])].every(
        it => it !== '*' && !/\p{Cc}/u.test(it),
      )
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
        device: isTwin ? { id: device.id, as: expect.any(String) } : { name: device.name },
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
    { numRuns: 500 },
  )
})
