import { afterEach, expect, test } from 'vitest'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { call, encodeValue, login, range, readLog } from './client.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000
const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

interface Gateway {
  readonly simulator: Simulator
  readonly cookie: string
  /** GET of a path; throws unless the status is the expected one. */
  get(path: string, status?: number): Promise<unknown>
}

async function open(options: SimulatorOptions = {}): Promise<Gateway> {
  const now = () => start + 48 * hour
  const simulator = await startSimulator({ devices: 10, historyStart: start, now, ...options })
  opened.push(simulator)
  const cookie = await login(simulator)
  return {
    simulator,
    cookie,
    async get(path, status = 200) {
      const answer = await call(simulator, 'GET', path, { cookie })
      expect(answer.status, `${path}: ${answer.text}`).toBe(status)
      return answer.text === '' ? undefined : JSON.parse(answer.text)
    },
  }
}

type Rows = Record<string, unknown>[]

test('the device list holds the gateway itself and every device, sorted as asked', async () => {
  const { get, simulator } = await open()
  const devices = (await get('/iap/devs?short=true&sortBy=name')) as Rows
  expect(devices.map(device => device['name'])).toEqual(
    ['SmartServer', ...simulator.history.devices.map(device => device.name)].sort(),
  )
  expect(devices.find(device => device['category'] === 'SC')).toMatchObject({ name: 'SmartServer' })
  expect(devices.find(device => device['name'] === 'Sensor 1')).toMatchObject({
    id: '2',
    category: 'EDGE',
    protocol: 'lon',
    deviceTypeName: 'Multi-Sensor',
    status: { state: 'provisioned', health: 'normal' },
  })
  expect(((await get('/iap/devs?category=EDGE')) as Rows).length).toBe(10)
  expect(await get('/iap/devs/count')).toEqual({ value: 11 })
})

test('pages with a snapshot number tell how many remain and together are the list', async () => {
  const { get } = await open()
  const whole = await get('/iap/devs')
  const first = (await get('/iap/devs?pg=1&sz=4')) as { snapshot: number; resources: Rows; remainingPages: number }
  expect(first).toMatchObject({ snapshot: expect.any(Number), remainingPages: 2 })
  const collected = [...first.resources]
  for (const page of [2, 3]) {
    const next = (await get(`/iap/devs?pg=${page}&sz=4&xs=${first.snapshot}`)) as typeof first
    expect(next).toMatchObject({ snapshot: first.snapshot, remainingPages: 3 - page })
    collected.push(...next.resources)
  }
  expect(collected).toEqual(whole)
  expect(await get(`/iap/devs?pg=4&sz=4&xs=${first.snapshot}`)).toMatchObject({ resources: [], remainingPages: 0 })
})

test('a list that changes between pages has another snapshot number', async () => {
  const { get, simulator } = await open({ faults: { changeSnapshot: 1 } })
  const first = (await get('/iap/devs?pg=1&sz=4')) as { snapshot: number }
  expect(await get(`/iap/devs?pg=2&sz=4&xs=${first.snapshot}`)).not.toMatchObject({ snapshot: first.snapshot })
  simulator.setFaults({ changeSnapshot: 0 })
  const again = (await get('/iap/devs?pg=1&sz=4')) as { snapshot: number }
  expect(await get(`/iap/devs?pg=2&sz=4&xs=${again.snapshot}`)).toMatchObject({ snapshot: again.snapshot })
})

test('pages without snapshot are plain arrays and the first empty one is the end', async () => {
  const { get } = await open()
  const collected: Rows = []
  for (let page = 1; ; page++) {
    const rows = (await get(`/iap/devs?noxs=true&pg=${page}&sz=3`)) as Rows
    if (rows.length === 0) break
    collected.push(...rows)
  }
  expect(collected).toEqual(await get('/iap/devs'))
})

test('every logged datapoint is found by joining DLA rows and devices, and rows that are not logged are there too', async () => {
  const { get, simulator } = await open()
  const rows = (await get('/iap/devTypes/*/if/*/*/*/dla?includeUnconfigured=false')) as Rows
  const devices = ((await get('/iap/devs')) as Rows).filter(device => device['category'] !== 'SC')
  const found = devices.flatMap(device =>
    rows
      .filter(row => row['logged'] === true && row['deviceTypeName'] === device['deviceTypeName'])
      .map(row => `${device['name']}/${row['fullDpName']}`),
  )
  const logged = simulator.history.datapoints.map(
    ({ device, block, index, xif }) => `${device}/${block}/${index}/${xif}`,
  )
  expect(found.sort()).toEqual(logged.sort())
  expect(rows.some(row => row['logged'] === false)).toBe(true)
  expect(rows[0]).toMatchObject({ logInterval1: 300, logRetention1: 14, monitoringMethod: 'POLLED', tags: null })
  const all = (await get('/iap/devTypes/*/if/*/*/*/dla')) as Rows
  expect(all.length).toBeGreaterThan(rows.length)
})

test('DLA rows of old releases say polled and have no tags', async () => {
  const { get } = await open({ release: '3.10' })
  const [row] = (await get('/iap/devTypes/*/if/*/*/*/dla?includeUnconfigured=false')) as Rows
  expect(row).toMatchObject({ polled: true })
  expect(Object.keys(row!)).not.toContain('tags')
})

test('datapoints of a device are read by id, by name and by qualifier, with their current values', async () => {
  const { get, simulator } = await open()
  const byId = (await get('/iap/devs/2/if/*/*/*/*')) as Rows
  expect(byId.map(item => item['datapointName'])).toEqual([
    'nvoLuxLevel',
    'nvoTemperature',
    'nvoOccupancy',
    'nvoStatus',
  ])
  expect(await get(`/iap/devs/${encodeURIComponent('*+name==Sensor 1')}/if/*/*/*/*`)).toEqual(byId)
  const datapoint = simulator.history.datapoints[0]!
  const newest = [...simulator.history.entries(datapoint, start, start + 48 * hour)].at(-1)!
  const qualifier = encodeURIComponent(`*+qualifier=-${datapoint.qualifier},17q4bn7/lon/99/x/0/y`)
  const [item, ...others] = (await get(`/iap/devs/*/if/*/*/${qualifier}`)) as Rows
  expect(others).toEqual([])
  expect(item).toMatchObject({ id: 300, name: 'nvoLuxLevel', value: newest.value, utc: `${newest.utcText}Z[UTC]` })
})

test('the path of a datapoint takes the instance name, or the XIF name where it says so', async () => {
  const { get } = await open()
  expect(((await get('/iap/devs/2/if/OccupancySensor/0/Occupancy')) as Rows).length).toBe(1)
  expect(((await get('/iap/devs/2/if/OccupancySensor/0/nvoOccupancy')) as Rows).length).toBe(0)
  const byXif = encodeURIComponent('*+xifName==nvoOccupancy')
  expect(((await get(`/iap/devs/2/if/OccupancySensor/0/${byXif}`)) as Rows).length).toBe(1)
  expect(((await get(`/iap/devs/*/if/*/*/${encodeURIComponent('*+name=~power')}`)) as Rows).length).toBe(0)
  expect(((await get(`/iap/devs/*/if/*/*/${encodeURIComponent('*+name=+POWER')}`)) as Rows).length).toBe(4)
})

test('an unknown device is 404, a selector that makes no sense is 400', async () => {
  const { get } = await open()
  await get('/iap/devs/999', 404)
  await get('/iap/devs/*name==x', 400)
  await get('/iap/devs/2/if/*/*/*+name', 400)
  await get('/iap/nowhere', 404)
})

test('counts and rows over REST agree with the log socket', async () => {
  const { get, simulator, cookie } = await open()
  const answer = await readLog(simulator, cookie, `?dev=2&${range(start + hour, start + 4 * hour)}`)
  const text = (ms: number) => new Date(ms).toISOString().slice(0, -1)
  const values = encodeValue(`*+utc>${text(start + hour)}&utc<=${text(start + 4 * hour)}`)
  const rows = await get(`/iap/devs/2/if/*/*/*/logs/value/${values}`)
  expect(rows).toEqual(answer.frames.slice(0, -1).map(frame => JSON.parse(frame)))
  const all = [...simulator.history.merged(({ deviceId }) => deviceId === 2, start - 1, start + 48 * hour)]
  expect(await get('/iap/devs/2/if/*/*/*/logs/count?visible=true')).toEqual({ value: all.length })
})

test('the oldest and the newest entry are one row away', async () => {
  const { get, simulator } = await open()
  const all = [...simulator.history.merged(() => true, start - 1, start + 48 * hour)]
  const path = '/iap/devs/*/if/*/*/*/logs/value/*?pg=1&sz=1&noxs=true&sortBy='
  expect(await get(`${path}asc`)).toEqual([JSON.parse(simulator.frame(all[0]!))])
  expect(await get(`${path}desc`)).toEqual([JSON.parse(simulator.frame(all.at(-1)!))])
})

test('rows of 2.80 have the older forms of times and ids', async () => {
  const { get } = await open({ release: '2.80' })
  const [row] = (await get('/iap/devs/*/if/*/*/*/logs/value/*?pg=1&sz=1&noxs=true&sortBy=asc')) as Rows
  expect(row).toMatchObject({
    utc: expect.stringMatching(/^2024-03-01 00:\d\d:\d\d\.\d{3} UTC$/),
    local: expect.stringMatching(/^2024-02-29 16:\d\d:\d\d\.\d{3} America\/Los_Angeles$/),
    deviceId: expect.stringMatching(/^17q4bn7\.\d+$/),
    blockIndex: '0',
  })
})

test('log settings are shown level by level for logged datapoints alone', async () => {
  const { get, simulator } = await open({ retentionMs: 7 * 24 * hour })
  const rows = (await get('/iap/devs/*/if/*/*/*/logs?pg=1&sz=100&noxs=true')) as Rows
  expect(rows.length).toBe(simulator.history.datapoints.length)
  expect(rows[0]).toMatchObject({
    root: { level1: { interval: 300, retention: 7, logMultiple: null }, minDeltaValue: 'ALWAYS' },
  })
})

test('storage has the shape of its release', async () => {
  const recent = await open()
  recent.simulator.setCpu(95.5)
  expect(await recent.get('/iap/storage')).toMatchObject({
    dataLogSize: expect.any(Number),
    storageInfo: { SmartServer: { memory: { total: 2048 * 1_048_576 } } },
    cpuUtilization: { SmartServer: 95.5 },
  })
  const old = await open({ release: '3.60' })
  const storage = await old.get('/iap/storage')
  expect(storage).toMatchObject({ storageInfo: { internal: { total: 3600 } } })
  expect(storage).not.toHaveProperty('cpuUtilization')
})

test('the gateway tells its time with zone from 4.1 on', async () => {
  const recent = await open({ now: () => Date.parse('2023-11-30T17:15:00Z') })
  expect(await recent.get('/iap/cms/info/time')).toEqual({
    value: '2023-11-30T09:15:00.000-08:00[America/Los_Angeles]',
  })
  const old = await open({ release: '3.60' })
  await old.get('/iap/cms/info/time', 404)
})

test('limits and alarm counts are shown', async () => {
  const { get } = await open()
  expect(await get('/iap/settings/limits/configuration')).toMatchObject({ totalEpsLowWarning: expect.any(Number) })
  expect(await get('/iap/alarms/count?activeOnly=true')).toEqual({ value: 0 })
})

test('without a session REST can redirect or answer a page instead of 401', async () => {
  const redirecting = await open({ expiredAnswer: 'redirect' })
  const answer = await call(redirecting.simulator, 'GET', '/iap/devs')
  expect(answer.status).toBe(302)
  expect(answer.headers['location']).toBe('/cms')
  const html = await open({ expiredAnswer: 'html' })
  const page = await call(html.simulator, 'GET', '/iap/devs')
  expect(page.status).toBe(200)
  expect(page.headers['content-type']).toMatch(/^text\/html/)
})

test('too many calls a second are 429 with a special message', async () => {
  const { simulator, cookie } = await open({ requestsPerSecond: 3 })
  const statuses: number[] = []
  let message = ''
  for (let i = 0; i < 12; i++) {
    const answer = await call(simulator, 'GET', '/iap/users/current', { cookie })
    statuses.push(answer.status)
    if (answer.status === 429) message = JSON.parse(answer.text).message
  }
  expect(statuses).toContain(429)
  expect(message).toMatch(/too fast/)
})

test('a site of thousands of datapoints is listed page by page', async () => {
  const { get, simulator } = await open({ devices: 1200 })
  expect(simulator.history.datapoints.length).toBeGreaterThan(3000)
  const page = (await get('/iap/devs/*/if/*/*/*?pg=2&sz=50&sortBy=qualifier')) as {
    resources: Rows
    remainingPages: number
  }
  expect(page.resources.length).toBe(50)
  expect(page.remainingPages).toBeGreaterThan(60)
})
