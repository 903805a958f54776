import { afterEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { call, login } from './client.ts'

const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

async function get(path: string, release: '3.60' | '4.10' | '4.20' | '4.30' = '4.10') {
  const simulator = await startSimulator({ devices: 7, release })
  opened.push(simulator)
  const { status, text } = await call(simulator, 'GET', path, { cookie: await login(simulator) })
  expect(status, path).toBe(200)
  return JSON.parse(text)
}

// what the vendor's Browser page asks for when it starts; without the first it opens no socket
test.each([
  ['/iap/devs/lonmode', { value: 'IMM' }],
  ['/iap/lic/status', []],
  ['/iap/dp/types', []],
  ['/iap/dp/types?datapointsPresence=true', []],
  ['/iap/context', []],
  ['/iap/dlaRules/monitoring', { value: true }],
  ['/iap/alarms/count?activeOnly=true', { value: 0 }],
  ['/iap/alarms?activeOnly=true&order=asc&sortBy=timestamp', []],
])('GET %s is answered', async (path, expected) => {
  expect(await get(path)).toEqual(expected)
})

test('device types are listed as their pane shows them', async () => {
  const types = (await get('/iap/devTypes/*?short=false&sortBy=name&sortOrder=asc')) as Record<string, unknown>[]
  expect(types.map(({ name }) => name)).toEqual([
    'Energy Meter 3P',
    'Lamp Actuator',
    'Multi-Sensor',
    'Pump Controller',
    'Room Thermostat',
  ])
  expect(types.map(({ numberOfDevices }) => numberOfDevices)).toEqual([1, 1, 2, 1, 2])
  for (const field of ['id', 'protocol', 'programId', 'xifName', 'autoSysLoad', 'autoAppLoad', 'isDefault'])
    expect(types[0]).toHaveProperty(field)
})

test('the rows of the DLA table and of a datapoint have every column that the page shows', async () => {
  const [row] = (await get('/iap/devTypes/*/if/*/*/*/dla')) as object[]
  for (const field of 'publishMinDeltaTime publishMinDeltaValue initialValue alarmName alarmTypeName alarmDetails highWarning lowWarning highAlarm lowAlarm presets'.split(
    ' ',
  ))
    expect(row).toHaveProperty(field, null)
  for (const point of (await get('/iap/devs/2/if/*/*/*/*')) as object[])
    expect(point).toHaveProperty('presetValue', null)
})

test.each(['4.20', '4.30'] as const)('release %s behaves as 4.10', async release => {
  expect((await get('/iap/version', release)).value).toMatch(new RegExp(`^${release}\\.`))
  expect(await get('/iap/cms/info/time', release)).toHaveProperty('value')
  expect((await get('/iap/storage', release)).storageInfo).toHaveProperty('SmartServer')
})
