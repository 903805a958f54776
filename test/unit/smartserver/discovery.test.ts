import { describe, expect, test } from 'vitest'
import { discoverLogged, type LoggedDatapoint, readDevices } from '../../../src/smartserver/discovery.ts'
import { askedGateway } from '../../support/asked.ts'

const { signal } = new AbortController()

const devices: unknown[] = [
  { id: '1', name: 'SmartServer', category: 'SC', deviceTypeName: 'SmartServer IoT' },
  { id: '2', name: 'Sensor 1', category: 'EDGE', deviceTypeName: 'Sensor', status: { health: 'down' } },
  { id: 3, name: 'Meter', deviceTypeName: 'Meter' },
  { id: 4, name: 'Nothing logged', deviceTypeName: 'Lamp' },
  { name: 'no id' },
  null,
]
const rules: unknown[] = [
  { deviceTypeName: 'Sensor', fullDpName: 'Light/0/nvoLux[1]', logged: true, logInterval1: 300, logRetention1: 14 },
  { deviceTypeName: 'Sensor', fullDpName: 'Light/0/nvoTemp', logged: false, logInterval1: 300 },
  { deviceTypeName: 'Meter', fullDpName: 'Main/Sub/2/nvo/kW', logged: true, logInterval1: 0, logInterval2: '900' },
  { deviceTypeName: 'Meter', fullDpName: 'Block/0/nvoNotListed', logged: true },
  { deviceTypeName: 'Meter', fullDpName: 'no index', logged: true },
  'not a rule',
]
const interfaces: Record<string, unknown[]> = {
  '/iap/devs/2/if/*/*/*/*': [
    {
      blockName: 'Light',
      blockIndex: 0,
      datapointName: 'nvoLux[1]',
      name: 'Hall',
      dpQualifier: 's/lon/1/Light/0/nvoLux[1]',
    },
  ],
  '/iap/devs/3/if/*/*/*/*': [
    { blockName: 'Main/Sub', blockIndex: '2', datapointName: 'nvo/kW', name: null, dpQualifier: null },
  ],
}

const gateway = () =>
  askedGateway(path =>
    path === '/iap/devs' ? devices : path.startsWith('/iap/devTypes/') ? rules : (interfaces[path] ?? 404),
  )

describe('discovery', () => {
  test('lists devices without the gateway itself, ids as text, and passes over what makes no sense', async () => {
    expect((await readDevices(gateway(), signal)).map(({ id, name }) => [id, name])).toEqual([
      ['2', 'Sensor 1'],
      ['3', 'Meter'],
      ['4', 'Nothing logged'],
    ])
  })

  test('joins what each device type logs with the names that the device has', async () => {
    const asked = gateway()
    const found: LoggedDatapoint[] = []
    for await (const datapoint of discoverLogged(asked, await readDevices(asked, signal), signal)) found.push(datapoint)
    expect(found.map(it => [it.device.name, it.block, it.index, it.xif, it.name])).toEqual([
      ['Sensor 1', 'Light', 0, 'nvoLux[1]', 'Hall'],
      ['Meter', 'Main/Sub', 2, 'nvo/kW', 'nvo/kW'],
      ['Meter', 'Block', 0, 'nvoNotListed', 'nvoNotListed'],
    ])
    expect(found.map(({ levels }) => levels)).toEqual([
      [{ interval: 300, retention: 14 }],
      [
        { interval: 0, retention: undefined },
        { interval: 900, retention: undefined },
      ],
      [],
    ])
    expect(found.map(({ qualifier }) => qualifier)).toEqual(['s/lon/1/Light/0/nvoLux[1]', undefined, undefined])
    expect(asked.calls.some(call => call.includes('/devs/4/'))).toBe(false)
  })
})
