import { describe, expect, test } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { datapointProblem, type KnownDevice } from '../../../src/inventory/datapoint-problems.ts'
import type { Device, InterfaceDatapoint } from '../../../src/smartserver/discovery.ts'

const device = (id: string, name: string): Device => ({
  id,
  name,
  did: undefined,
  type: 'Sensor',
  state: 'provisioned',
  health: 'normal',
})
const point = (xif: string, name = xif): InterfaceDatapoint => ({
  block: 'Light',
  index: 0,
  xif,
  name,
  qualifier: undefined,
  unit: undefined,
})

const devices = [device('2', 'Sensor 1'), device('3', 'Twin'), device('4', 'Twin')]
const known: KnownDevice[] = devices.map(it => ({
  device: it,
  datapoints: [point('nvoLux'), point('nvoTemp', 'Hall temperature'), point('nvoSilent')],
  logged: [point('nvoLux'), point('nvoTemp', 'Hall temperature')],
}))

const problem = (selector: Selector) => datapointProblem(selector, devices, known)
const on = (name: string, more: Selector = {}): Selector => ({ device: { name }, ...more })

describe('a configured datapoint', () => {
  test('that the gateway logs is all right, by either kind of name, by id, or as a wildcard', () => {
    for (const selector of [
      on('Sensor 1', { block: 'Light', index: 0, point: { name: 'Hall temperature' } }),
      on('Sensor 1', { point: { xif: 'nvoTemp' } }),
      on('Sensor 1'),
      { device: { id: '4', as: 'Second' } },
      { point: { name: 'nvoLux' } },
      {},
    ])
      expect(problem(selector)).toBeUndefined()
  })

  test('on a device that is not there is reported with the nearest name', () => {
    expect(problem(on('Sensor1'))).toMatchObject({ code: 'unknown-device', suggestion: 'Sensor 1' })
    expect(problem(on('S\u0435nsor 1'))?.message).toMatch(/the gateway has U\+0065 where this has U\+0435/)
    expect(problem(on('Boiler house'))).toMatchObject({ code: 'unknown-device', suggestion: undefined })
    expect(problem({ device: { id: '9', as: 'Sensor 1' } })?.suggestion).toContain('id 2')
  })

  test('on two devices of one name is reported: their points would be one series', () => {
    expect(problem(on('Twin'))?.code).toBe('device-not-unique')
  })

  test('that is there but not logged is reported as such', () => {
    expect(problem(on('Sensor 1', { point: { name: 'nvoSilent' } }))?.code).toBe('not-logged')
  })

  test('whose instance name and XIF name are mixed up is reported with the right one', () => {
    expect(problem(on('Sensor 1', { point: { name: 'nvoTemp' } }))).toMatchObject({
      code: 'xif-for-instance-name',
      suggestion: 'Hall temperature',
    })
    expect(problem(on('Sensor 1', { point: { xif: 'Hall temperature' } }))).toMatchObject({
      code: 'xif-for-instance-name',
      suggestion: '{ xif: nvoTemp }',
    })
  })

  test('that is not there is reported with the nearest one of its device', () => {
    const slip = on('Sensor 1', { block: 'Light', index: 0, point: { name: 'nvoLx' } })
    expect(problem(slip)).toMatchObject({ code: 'unknown-datapoint', suggestion: 'Light/0/nvoLux' })
  })
})
