import { describe, expect, it, test } from 'vitest'
import type { Frame } from '../../../src/domain/entry.ts'
import type { DataLogRequest } from '../../../src/domain/request.ts'
import { createEntryReader } from '../../../src/entries/entry-reader.ts'
import { compileMapping, type Mapping } from '../../../src/points/mapping.ts'
import { logFrame } from '../../support/log-frames.ts'

const range = { after: 1_000, until: 2_000 }
const byName: DataLogRequest['selectors'] = [{ device: { name: 'Sensor 1' }, block: 'LightSensor' }]
const now = 100_000
const plainMapping = compileMapping('plant-a', [])

function fateOf(frame: Frame, selectors = byName, mapping: Pick<Mapping, 'map'> = plainMapping): unknown[] {
  const deviceIdOf = (shown: string) => ({ '17q.5': '7' })[shown]
  const parts = { mapping, deviceIdOf, clock: { now: () => now } }
  const read = createEntryReader({ gateway: 'plant-a', selectors, range }, parts)
  const fates: unknown[][] = []
  read(frame, {
    outside: (_, isForeign, isFuture) => fates.push(['outside', { isForeign, isFuture }]),
    empty: (_, asked) => fates.push(['empty', asked]),
    rejected: ({ reason }, _, entry, asked) => fates.push(['rejected', reason, entry?.datapoint.block, asked]),
    point: ({ fields }, _, { datapoint }, asked) => fates.push(['point', fields, datapoint.deviceId, asked]),
  })
  expect(fates).toHaveLength(1)
  return fates[0]!
}

/** Logged 0.9 ms after this. */
function finer(ms: number): Frame {
  return logFrame(ms).replace(/(\.\d{3})Z\[UTC\]/, '$1900Z[UTC]')
}

describe('a frame has exactly one fate', () => {
  test.each<[string, Frame, unknown[]]>([
    ['asked for', logFrame(2_000), ['point', { value: 1 }, '5', [0]]],
    ['in the last ms of the range, by a gateway that compares in ms', finer(2_000), ['point', { value: 1 }, '5', [0]]],
    ['in the first ms after it', finer(2_001), ['outside', { isForeign: false, isFuture: false }]],
    ['in the ms that the range begins in', finer(1_000), ['point', { value: 1 }, '5', [0]]],
    ['with the value null', logFrame(2_000, { value: null }), ['empty', [0]]],
    [
      'with a value that cannot be written',
      logFrame(2_000, { value: { '': 1 } }),
      ['rejected', 'empty-name', 'LightSensor', [0]],
    ],
    ['that is not an entry', '{"no":"entry"}', ['rejected', 'no-utc', undefined, []]],
    ['of another block', logFrame(2_000, { block: 'Other' }), ['outside', { isForeign: false, isFuture: false }]],
    ['of another device', logFrame(2_000, { device: 'X' }), ['outside', { isForeign: true, isFuture: false }]],
    ['before the range', logFrame(1_000, { device: 'X' }), ['outside', { isForeign: false, isFuture: false }]],
    ['later than the clock of the gateway', logFrame(now + 60_001), ['outside', { isForeign: false, isFuture: true }]],
    ['as late as that clock may be', logFrame(now + 60_000), ['outside', { isForeign: false, isFuture: false }]],
  ])('%s', (_, frame, fate) => {
    expect(fateOf(frame)).toEqual(fate)
  })

  it('names every selector that asked for it', () => {
    expect(fateOf(logFrame(2_000), [{}, { block: 'Other' }, ...byName])).toEqual(['point', { value: 1 }, '5', [0, 2]])
  })

  it('that cannot be mapped because of a fault of the program is rejected, and nothing else is lost', () => {
    const mapping = {
      map: () => {
        throw new RangeError('Maximum call stack size exceeded')
      },
    }
    expect(fateOf(logFrame(2_000), byName, mapping)).toEqual(['rejected', 'mapping-failed', 'LightSensor', [0]])
  })

  it('an error of the gateway is a failure of the request and not a fate', () => {
    expect(() => fateOf('{"error":"query failed"}')).toThrow(expect.objectContaining({ code: 'gateway-error' }))
  })
})

describe('where a device is configured by its id', () => {
  const frame = (deviceId: string) => JSON.stringify({ ...JSON.parse(logFrame(2_000)), deviceId })
  const byId: DataLogRequest['selectors'] = [{ device: { id: '7', as: 'Meter' } }]
  const foreign = ['outside', { isForeign: true, isFuture: false }]
  const unknown = ['rejected', 'unknown-device-id', undefined, []]

  test.each<[string, string, unknown[]]>([
    ['by that id', '7', ['point', { value: 1 }, '7', [0]]],
    ['in a form that the device list explains', '17q.5', ['point', { value: 1 }, '7', [0]]],
    ['by the id of another device', '8', foreign],
    ['in a form that nothing explains', '17q.6', unknown],
    ['without an id', '', unknown],
  ])('an entry that names it %s', (_, deviceId, fate) => {
    expect(fateOf(frame(deviceId), byId)).toEqual(fate)
  })

  it('an entry that is asked for by name needs no id', () => {
    expect(fateOf(frame('17q.6'), [...byId, ...byName])).toEqual(['point', { value: 1 }, '17q.6', [1]])
  })

  it('an entry outside of the range is outside, whatever it calls its device', () => {
    const early = JSON.stringify({ ...JSON.parse(logFrame(1_000)), deviceId: '17q.6' })
    expect(fateOf(early, byId)).toEqual(['outside', { isForeign: false, isFuture: false }])
  })
})
