import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import type { ReleaseName } from '../../../src/simulator/releases.ts'
import { startSimulator } from '../../../src/simulator/simulator.ts'
import { discoverLogged, readDevices, readInterface, readLogRules } from '../../../src/smartserver/discovery.ts'
import { Gateway } from '../../../src/smartserver/gateway.ts'
import { readList } from '../../../src/smartserver/paging.ts'
import { putJson } from '../../../src/smartserver/rest-json.ts'
import { failureOf, type Meeting, meetGateway, never } from '../../support/conforming-gateway.ts'

const [devs, dla] = ['/iap/devs?short=true&sortBy=name', '/iap/devTypes/*/if/*/*/*/dla?includeUnconfigured=false']

/** A gateway whose lists are these, by path; pages as snapshots. */
async function meetLists(lists: Readonly<Record<string, readonly unknown[]>>): Promise<Meeting> {
  return await meetGateway({
    answer: ({ path }) => {
      const list = Object.entries(lists).find(([start]) => path.startsWith(start))?.[1]
      return list && { body: JSON.stringify({ snapshot: 41, resources: list, remainingPages: 0 }) }
    },
  })
}

const listCalls = ({ server }: Meeting) => server.calls.filter(call => !/\/auth\//.test(call))
async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

const device = {
  id: '2',
  name: 'Sensor 1',
  did: '2',
  uid: '00d071',
  type: 'Light',
  state: 'provisioned',
  health: 'normal',
}

describe('§5 devices', () => {
  const item = {
    ...{ name: 'Sensor 1', category: 'EDGE', id: '2', uid: '00d071', protocol: 'lon', deviceTypeName: 'Light' },
    ...{ scName: 'SmartServer', DID: '2', timezone: 'America/Los_Angeles' },
    status: { state: 'provisioned', health: 'normal', connectionStatusSince: '2019-01-11T15:27:52.994-08:00[Etc]' },
  }

  test('[D] are listed by /iap/devs, sorted by name, with the cookie of the login', async () => {
    const meeting = await meetLists({ '/iap/devs': [item] })
    expect(await readDevices(meeting.gateway, never)).toEqual([device])
    expect(listCalls(meeting)).toEqual([`GET ${devs}&pg=1&sz=100`])
    expect(meeting.server.asked.at(-1)?.cookie).toBe('cmsSID=sid.1/a+b==')
  })

  test('[D] have ids as text, [C] used like numbers: both mean the same device', async () => {
    const meeting = await meetLists({ '/iap/devs': [{ ...item, id: 2 }] })
    expect(await readDevices(meeting.gateway, never)).toEqual([device])
  })

  test('[D] of category SC are the gateway itself and no device of it', async () => {
    const meeting = await meetLists({ '/iap/devs': [{ ...item, category: 'SC', id: '1' }, item] })
    expect(await readDevices(meeting.gateway, never)).toEqual([device])
  })

  test.each(['unprovisioned', 'provisioned'])('[D] may be %s, and normal, down or unknown in health', async state => {
    for (const health of ['normal', 'down', 'unknown']) {
      const { gateway } = await meetLists({ '/iap/devs': [{ ...item, status: { state, health } }] })
      expect(await readDevices(gateway, never)).toEqual([{ ...device, state, health }])
    }
  })
})

describe('§4 and §5 what is logged', () => {
  const row = {
    ...{ id: 1, protocol: 'lon', deviceTypeName: 'Light', fullDpName: 'LightSensor/0/nvoLuxLevel', logged: true },
    ...{ logInterval1: 300, logRetention1: 14, logInterval2: 3600, logRetention2: 60 },
    ...{ logInterval3: null, logRetention3: null, logMinDeltaValue: 'ALWAYS', presets: null },
  }

  test('[C] is configured by device type, in the DLA rows, in up to three levels of seconds and days', async () => {
    const meeting = await meetLists({ '/iap/devTypes': [row] })
    expect(await readLogRules(meeting.gateway, never)).toEqual([
      {
        type: 'Light',
        path: 'LightSensor/0/nvoLuxLevel',
        levels: [
          { interval: 300, retention: 14 },
          { interval: 3600, retention: 60 },
        ],
      },
    ])
    expect(listCalls(meeting)).toEqual([`GET ${dla}&pg=1&sz=100`])
  })

  test.each([false, null, undefined])('[C] is not what has logged: %s', async logged => {
    const { gateway } = await meetLists({ '/iap/devTypes': [{ ...row, logged }] })
    expect(await readLogRules(gateway, never)).toEqual([])
  })

  test('[I] at interval 0 is every update', async () => {
    const { gateway } = await meetLists({ '/iap/devTypes': [{ ...row, logInterval1: 0, logInterval2: null }] })
    expect((await readLogRules(gateway, never))[0]?.levels).toEqual([{ interval: 0, retention: 14 }])
  })

  test.each([
    ['LightSensor/0/nvoLuxLevel', 'LightSensor', 0, 'nvoLuxLevel'],
    ['Light Sensor 2/1/nvo Lux', 'Light Sensor 2', 1, 'nvo Lux'],
    ['LightSensor/12/nvoLuxLevel[1]', 'LightSensor', 12, 'nvoLuxLevel[1]'],
    ['Hall/3/Light/0/nvoLux', 'Hall/3/Light', 0, 'nvoLux'],
  ])('[C] is named %s, which is taken apart from the right', async (fullDpName, block, index, xif) => {
    const { gateway } = await meetLists({ '/iap/devTypes': [{ ...row, fullDpName }], '/iap/devs/2/if': [] })
    expect(await collect(discoverLogged(gateway, [device], never))).toMatchObject([
      { device, block, index, xif, name: xif },
    ])
  })

  test('[C] of a type is logged of each of its devices and of no other', async () => {
    const { gateway } = await meetLists({ '/iap/devTypes': [row], '/iap/devs/': [] })
    const others = [
      { ...device, id: '3', name: 'Sensor 2' },
      { ...device, id: '4', type: 'Meter' },
    ]
    const found = await collect(discoverLogged(gateway, [device, ...others], never))
    expect(found.map(it => it.device.id)).toEqual(['2', '3'])
  })
})

describe('§5 the datapoints of a device', () => {
  const item = {
    ...{ id: 352, deviceId: 2, deviceName: 'Sensor 1', blockName: 'LightSensor', blockIndex: 0 },
    ...{ datapointName: 'nvoLuxLevel', name: 'Lux', dpQualifier: '17q/lon/2/LightSensor/0/nvoLuxLevel' },
    ...{ cat: 'out', property: false, monitor: { rate: 60 }, value: 1, 'lon.cfg': { unit: 'lux' }, desc: null },
  }

  test('[C] are read by the id of the device, with instance name, qualifier and unit', async () => {
    const meeting = await meetLists({ '/iap/devs/2/if': [item] })
    expect(await readInterface(meeting.gateway, device, never)).toEqual([
      {
        ...{ block: 'LightSensor', index: 0, xif: 'nvoLuxLevel', name: 'Lux' },
        ...{ qualifier: '17q/lon/2/LightSensor/0/nvoLuxLevel', unit: 'lux' },
      },
    ])
    expect(listCalls(meeting)).toEqual(['GET /iap/devs/2/if/*/*/*/*?pg=1&sz=100'])
  })

  test('[C] have their XIF name alone where the instance name is null', async () => {
    const { gateway } = await meetLists({ '/iap/devs/2/if': [{ ...item, name: null, dpQualifier: null }] })
    expect(await readInterface(gateway, device, never)).toMatchObject([{ name: 'nvoLuxLevel', qualifier: undefined }])
  })

  test.each<ReleaseName>([
    '2.80',
    '3.10',
    '3.20.114',
    '3.60',
    '4.10',
  ])('[C] joined with what is logged are exactly those of a gateway of %s', async release => {
    const simulator = await startSimulator({ release, devices: 5, oddities: { nullNames: 0.3 } })
    const { url, fingerprint256, history } = simulator
    const tls = { kind: 'fingerprint', fingerprint256 } as const
    const login = { username: 'etl', password: 'secret' }
    const gateway = new Gateway({ name: 'g', url, ...login, tls, idleTimeout: 5_000, clock: systemClock })
    onTestFinished(async () => {
      await gateway.close()
      await simulator.close()
    })
    const found = await collect(discoverLogged(gateway, await readDevices(gateway, never), never))
    const named = found.map(({ device: { id, name: on }, block, index, xif, name }) => [
      id,
      on,
      block,
      index,
      xif,
      name,
    ])
    const logged = history.datapoints.map(it => [
      String(it.deviceId),
      it.device,
      it.block,
      it.index,
      it.xif,
      it.name ?? it.xif,
    ])
    expect(named.toSorted()).toEqual(logged.toSorted())
  })
})

describe('§5 lists in pages', () => {
  const page = (snapshot: number, remainingPages: number, ...resources: number[]) => ({
    body: JSON.stringify({ snapshot, resources, remainingPages }),
  })
  const all = Array.from({ length: 230 }, (_, i) => i)
  const numberOf = (path: string) => Number(new URL(path, 'https://g').searchParams.get('pg'))

  test('[C] with a snapshot are asked for under its number, up to the page with none remaining', async () => {
    const meeting = await meetGateway({
      answer: ({ path }) => (path.startsWith('/iap/x') ? page(41, 3 - numberOf(path), numberOf(path)) : undefined),
    })
    expect(await readList(meeting.gateway, '/iap/x', never)).toEqual([1, 2, 3])
    expect(listCalls(meeting)).toEqual([
      'GET /iap/x?pg=1&sz=100',
      'GET /iap/x?pg=2&sz=100&xs=41',
      'GET /iap/x?pg=3&sz=100&xs=41',
    ])
  })

  test('[C] stop at an empty page too', async () => {
    const { gateway } = await meetGateway({
      answer: ({ path }) =>
        path.startsWith('/iap/x') ? (numberOf(path) === 1 ? page(41, 9, 1) : page(41, 9)) : undefined,
    })
    expect(await readList(gateway, '/iap/x', never)).toEqual([1])
  })

  test('[C] are begun again when the snapshot is another one', async () => {
    const snapshots = [41, 42, 43, 43]
    const meeting = await meetGateway({
      answer: ({ path }) =>
        path.startsWith('/iap/x') ? page(snapshots.shift()!, 2 - numberOf(path), numberOf(path)) : undefined,
    })
    expect(await readList(meeting.gateway, '/iap/x', never)).toEqual([1, 2])
    expect(listCalls(meeting).map(call => call.slice(10))).toEqual([
      ...['?pg=1&sz=100', '?pg=2&sz=100&xs=41', '?pg=1&sz=100', '?pg=2&sz=100&xs=43'],
    ])
  })

  test('[C] without snapshots (noxs) are plain arrays, up to the first empty one', async () => {
    const meeting = await meetGateway({
      answer: ({ path }) => {
        if (!path.startsWith('/iap/x')) return undefined
        // a gateway that knows plain pages alone
        if (!path.includes('noxs=true')) return { status: 404 }
        const from = (numberOf(path) - 1) * 100
        return { body: JSON.stringify(all.slice(from, from + 100)) }
      },
    })
    expect(await readList(meeting.gateway, '/iap/x?short=true', never)).toEqual(all)
    const plain = listCalls(meeting).slice(1)
    expect(plain).toEqual([1, 2, 3, 4].map(n => `GET /iap/x?short=true&noxs=true&pg=${n}&sz=100`))
  })

  test.each([230, 60])('[C] may not be known at all: a plain array of %i items comes once and whole', async length => {
    const { gateway } = await meetGateway({
      answer: ({ path }) => (path.startsWith('/iap/x') ? { body: JSON.stringify(all.slice(0, length)) } : undefined),
    })
    expect(await readList(gateway, '/iap/x', never)).toEqual(all.slice(0, length))
  })
})

describe('§5 answers to a PUT', () => {
  test('[D] 204 is success, without a body', async () => {
    const { gateway, server } = await meetGateway({
      answer: ({ method, path }) => (method === 'PUT' && path === '/iap/x' ? { status: 204 } : undefined),
    })
    await putJson(gateway, '/iap/x', ['a'], never)
    expect(server.asked.at(-1)).toMatchObject({ method: 'PUT', body: '["a"]' })
    expect(server.asked.at(-1)?.headers['content-type']).toBe('application/json')
  })

  test.each([404, 422])('[D] %i is none, and says so', async status => {
    const { gateway } = await meetGateway({ answer: ({ path }) => (path === '/iap/x' ? { status } : undefined) })
    expect(await failureOf(putJson(gateway, '/iap/x', [], never))).toMatchObject({
      code: status === 404 ? 'rest-unsupported' : 'rest-refused',
    })
  })
})
