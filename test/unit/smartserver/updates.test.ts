import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeUpdate } from '../../../src/smartserver/updates.ts'

const read = (action: string, payload: unknown) => decodeUpdate(JSON.stringify({ action, payload }))

describe('an update of the general socket', () => {
  test('is read by its action, in the shapes that releases give it', () => {
    expect(read('UPD:CPU', 42)).toMatchObject({ kind: 'cpu', percents: { '': 42 } })
    expect(read('UPD:SC:CPU', { sc1: 42 })).toMatchObject({ kind: 'cpu', percents: { sc1: 42 } })
    expect(read('UPD:TOTAL_EPS', 3)).toMatchObject({ kind: 'events-per-second' })
    expect(read('UPD:MONITORINGSTATE', { active: false })).toMatchObject({ kind: 'monitoring', isActive: false })
    expect(read('NTF:TIME', { value: '2023-11-30T09:15:00.000-08:00[America/Los_Angeles]' })).toMatchObject({
      kind: 'time',
      shown: '2023-11-30T09:15:00.000-08:00[America/Los_Angeles]',
    })
    expect(read('UPD:DEVICE', { id: 5, status: { state: 'provisioned', health: 'down' } })).toMatchObject({
      kind: 'device',
      id: '5',
      state: 'provisioned',
      health: 'down',
    })
    expect(read('CRT:NOTIFICATION', { message: 'no', targetType: 'DEVICE', targetName: 'Pump' })).toMatchObject({
      kind: 'notification',
      message: 'no',
      targetName: 'Pump',
    })
  })

  test('of a deleted device is read whatever shape the undocumented payload has', () => {
    for (const payload of [{ id: 5 }, '5', 5]) expect(read('DEL:DEVICE', payload)).toMatchObject({ id: '5' })
    expect(read('DEL:DEVICE', null)).toMatchObject({ kind: 'device-deleted', id: undefined })
  })

  test('brings several datapoints at once, without those that have no qualifier', () => {
    const one = { datapointQualifier: 'q', value: 1, locValue: '1 lx', timestamp: '2022-04-11T08:00:00.000Z[UTC]' }
    expect(read('UPD:DATAPOINT', [one, { value: 2 }])).toMatchObject({
      kind: 'datapoints',
      updates: [{ qualifier: 'q', value: 1, localized: '1 lx', timestamp: one.timestamp }],
    })
  })

  test('of an action that is not known is kept as such, also one named like a member of every object', () => {
    for (const action of ['UPD:NEW', 'constructor', '__proto__'])
      expect(read(action, 1)).toMatchObject({ kind: 'unknown', raw: action })
  })

  test('with a payload of another shape is a rejection', () => {
    for (const [action, payload] of [
      ['UPD:CPU', '42'],
      ['UPD:SC:CPU', { sc1: 'busy' }],
      ['UPD:DATAPOINT', { datapointQualifier: 'q' }],
      ['CRT:NOTIFICATION', 'text'],
      ['UPD:DEVICE', {}],
    ] as const)
      expect(read(action, payload)).toMatchObject({ reason: 'bad-payload' })
  })

  test('never throws, whatever comes', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          action: fc.constantFrom('UPD:CPU', 'UPD:DEVICE', 'UPD:DATAPOINT', 'NTF:JOIN'),
          payload: fc.jsonValue(),
        })
        .map(it => JSON.stringify(it)),
    )
    fc.assert(
      fc.property(anything, frame => {
        const update = decodeUpdate(frame)
        expect('kind' in update || 'reason' in update).toBe(true)
      }),
    )
  })
})
