import { expect, test } from 'vitest'
import { fillOptions, readOptions } from '../../../src/simulator/options.ts'
import { releaseOf } from '../../../src/simulator/releases.ts'

test('options from a file are taken as they are and filled with defaults', () => {
  const options = readOptions({
    devices: 3,
    release: '2.80',
    faults: { noEnd: 0.5 },
    oddities: { late: 0.1 },
    cost: { entriesPerSecond: 10 },
  })
  expect(fillOptions(options)).toMatchObject({
    devices: 3,
    port: 0,
    release: '2.80',
    faults: { noEnd: 0.5, strikeWithin: 1000, reset: 0 },
    oddities: { late: 0.1, lateMs: 600_000 },
  })
})

test.each([
  [{ device: 3 }, 'unknown option "device"'],
  [{ now: 1 }, 'unknown option "now"'],
  [{ devices: '3' }, 'devices must be an integer'],
  [{ faults: { noend: 1 } }, 'unknown option "faults.noend"'],
  [{ faults: { noEnd: 2 } }, 'faults.noEnd must be a number between 0 and 1, not 2'],
  [{ faults: { noEndCodes: [] } }, 'faults.noEndCodes must be a list'],
  [{ faults: { refuseWith: [200] } }, 'faults.refuseWith.0 must be one of 302, 401, 403, 503, not 200'],
  [{ oddities: { lateMs: 0 } }, 'oddities.lateMs must be an integer between 1'],
  [{ cost: { perRequest: 1 } }, 'unknown option "cost.perRequest"'],
  [{ accounts: { a: 1 } }, 'accounts.a must be a text, not 1'],
  [{ fractionDigits: 1, interval: 0.05 }, 'interval must be at least 0.1'],
  [{ release: '5.0' }, 'release must be one of'],
  [{ release: 4.1 }, 'release must be in quotes'],
  [{ zone: 'Mars/Base' }, 'zone must be an IANA time zone'],
  [[], 'options must be a mapping'],
  [null, 'options must be a mapping'],
])('what makes no sense is refused by name: %j', (data, message) => {
  expect(() => readOptions(data)).toThrow(message)
})

test.each([
  ['2.75.020', '2.80'],
  ['2.80.015', '2.80'],
  ['3.20.113', '3.10'],
  ['3.20.114', '3.20.114'],
  ['3.40.001', '3.20.114'],
  ['4.00.030', '3.60'],
  ['4.15.002', '4.10'],
  ['4.40.002', '4.30'],
  ['unknown', '2.80'],
])('a gateway of release %s has the habits of %s', (version, name) => {
  expect(releaseOf(version)).toBe(name)
})
