import { describe, expect, onTestFinished, test } from 'vitest'
import type { WebSocket } from 'ws'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { selectorMatches } from '../../../src/domain/datapoint.ts'
import { isRejection } from '../../../src/domain/entry.ts'
import { surveySite } from '../../../src/inventory/survey.ts'
import { parseCsv } from '../../../src/simulator/csv.ts'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import type { ReleaseName } from '../../../src/simulator/releases.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { decodeEntry } from '../../../src/smartserver/entry.ts'
import { Gateway } from '../../../src/smartserver/gateway.ts'
import { meetGateway, never, range, readAll } from '../../support/conforming-gateway.ts'
import { openSite } from '../../support/program.ts'

/** What the gateway is asked for, as it stands on the wire, once it has shown an entry of it: `name` is its instance name. */
async function wireForm(selector: Selector, version?: string, name: string | null = 'Light'): Promise<string> {
  const entry = {
    ...{ utc: '2022-04-11T08:00:00.000Z[UTC]', deviceId: 2, deviceName: 'Sensor 1', blockName: 'B', blockIndex: 0 },
    ...{ datapointName: 'nvoLux', name, value: 1 },
  }
  const log = (socket: WebSocket) => {
    socket.send(JSON.stringify(entry))
    socket.send('"end"')
    socket.close()
  }
  const { gateway, upgrades } = await meetGateway(version === undefined ? { log } : { log, version })
  if (version !== undefined) await gateway.hello(never)
  await readAll(gateway, { selectors: [selector] })
  await readAll(gateway, { selectors: [selector] })
  return upgrades[1]!.url
}

/** As a servlet container takes it apart: `&`, the first `=`, `+` for a space, percent. */
function parametersOf(url: string): Record<string, string> {
  const pairs = url.slice(url.indexOf('?') + 1).split('&')
  return Object.fromEntries(
    pairs.map(pair => {
      const equals = pair.indexOf('=')
      return [pair.slice(0, equals), decodeURIComponent(pair.slice(equals + 1).replaceAll('+', ' '))]
    }),
  )
}

const device = { name: 'Sensor 1' }

describe('§2 a data-log request', () => {
  test('[D] is one socket for one query: a GET to /iap/ws with a query, on which the client says nothing', async () => {
    const { gateway, upgrades, said } = await meetGateway()
    await readAll(gateway)
    await readAll(gateway)
    expect(upgrades.map(({ method }) => method)).toEqual(['GET', 'GET'])
    for (const { url } of upgrades) expect(url).toMatch(/^\/iap\/ws\?[^?]+$/)
    expect(said).toEqual([])
  })

  test.each<[string, Selector]>([
    ['everything', {}],
    ['a name that cannot be sent', { device: { name: 'a&b' } }],
    ['a block without its device', { block: 'LightSensor', index: 0 }],
  ])('[D] is never without a query, which would never end: %s', async (_, selector) => {
    expect(parametersOf(await wireForm(selector))).toEqual({
      value: '*+utc>2022-04-11T07:00:00.000&utc<=2022-04-12T07:00:00.000',
    })
  })

  test('[D] for all of a day has the form of the vendor’s example, with %3A for the colon as [C] its pages send it', async () => {
    const example = '/iap/ws?value=%2A%2Butc%3E2022-04-11T07:00:00.000%26utc%3C%3D2022-04-12T07:00:00.000'
    expect(await wireForm({})).toBe(example.replace(/:/g, '%3A'))
  })

  test('[D] for one datapoint has the form of the vendor’s example, with names explicit in every release', async () => {
    const selector = { device, block: 'LightSensor', index: 0, point: { xif: 'nvoLuxLevel[1]' } }
    expect(await wireForm(selector, '3.60.012')).toBe(
      '/iap/ws?dev=%2A%2Bname%3D%3DSensor%201&blockName=%2A%2Bname%3D%3DLightSensor&blockIndex=0' +
        '&dpName=%2A%2BxifName%3D%3DnvoLuxLevel%5B1%5D' +
        '&value=%2A%2Butc%3E2022-04-11T07%3A00%3A00.000%26utc%3C%3D2022-04-12T07%3A00%3A00.000',
    )
  })

  test('[D] names a device by the id of the CMS, bare, where it is given', async () => {
    expect(parametersOf(await wireForm({ device: { id: '2', as: 'x' } }))).toMatchObject({ dev: '2' })
  })
})

describe('§2.1 the meaning of a bare name flipped at 3.20.114', () => {
  test.each([
    ['2.80.015', 'nvoLux'],
    ['3.10.037', 'nvoLux'],
    ['3.20.113', 'nvoLux'],
    ['3.20.114', '*+xifName==nvoLux'],
    ['3.20.121', '*+xifName==nvoLux'],
    ['4.10.038', '*+xifName==nvoLux'],
  ])('[C] on %s an XIF name is asked for as %s, an instance name always as *+name==', async (version, form) => {
    const named = (point: NonNullable<Selector['point']>) => wireForm({ device, block: 'B', index: 0, point }, version)
    expect(parametersOf(await named({ xif: 'nvoLux' }))['dpName']).toBe(form)
    expect(parametersOf(await named({ name: 'Light' }))['dpName']).toBe('*+name==Light')
    // shown under its XIF name because it has no other (B:3761): no filter by instance name is known to find it
    const unnamed = { device, block: 'B', index: 0, point: { name: 'nvoLux' } }
    expect(parametersOf(await wireForm(unnamed, version, null))['dpName']).toBe(form)
  })

  test.each<ReleaseName>([
    '2.80',
    '3.10',
    '3.20.114',
    '3.60',
    '4.10',
  ])('[C] so that a gateway of %s gives exactly the datapoint meant, by either name, after a look at each entry', async release => {
    const { simulator, gateway, history } = await meetSimulator({ release, devices: 2, seed: 3 })
    await gateway.hello(never)
    const named = history.datapoints.find(({ name, xif }) => name !== null && name !== xif)!
    const points = [{ name: named.name! }, { xif: named.xif }]
    for (const point of points) {
      const selector = { device: { name: named.device }, block: named.block, index: named.index, point }
      const frames = await readAll(gateway, { selectors: [selector], range })
      const meant = frames.filter(frame => {
        const entry = decodeEntry(frame)
        return !isRejection(entry) && selectorMatches(selector, entry.datapoint)
      })
      const stored = [...history.entries(named, range.after, range.until)]
      expect(stored.length).toBeGreaterThan(10)
      expect(meant).toEqual(stored.map(entry => simulator.frame(entry)))
      // 2.80 ignores filters by path (§2.1): the look at each entry is what makes it right
      expect(frames.length > meant.length).toBe(release === '2.80')
    }
  })
})

describe('§2.2 the time range', () => {
  test('[D] stands under the key utc, in UTC with milliseconds, [C] without Z and offset', async () => {
    const { gateway, upgrades } = await meetGateway()
    await readAll(gateway, { range: { after: 1_650_000_000_001, until: 1_650_000_000_020 } })
    expect(parametersOf(upgrades[0]!.url)['value']).toBe('*+utc>2022-04-15T05:20:00.001&utc<=2022-04-15T05:20:00.020')
  })

  test('[D] begins exclusively and ends inclusively: ranges that meet bring each entry once', async () => {
    const at = (ms: number) => new Date(range.after + ms).toISOString()
    const rows = [0, 1, 1000, 1001, 2000].map(ms => `${at(ms)},d,b,0,p,${ms}`)
    const source = parseCsv(['time,device,block,index,datapoint,value', ...rows].join('\n'))
    const { gateway } = await meetSimulator({ source })
    const valuesOf = async (after: number, until: number) => {
      const frames = await readAll(gateway, { range: { after: range.after + after, until: range.after + until } })
      return frames.map(frame => (JSON.parse(frame) as { value: number }).value)
    }
    expect(await valuesOf(0, 1000)).toEqual([1, 1000])
    expect(await valuesOf(1000, 2000)).toEqual([1001, 2000])
    expect(await valuesOf(-1, 0)).toEqual([0])
  })

  test('[D] without an entry brings only the end, as [I] an unknown device does: complete, and empty', async () => {
    const { gateway } = await meetSimulator({ devices: 1 })
    expect(await readAll(gateway, { range: { after: 1000, until: 2000 } })).toEqual([])
    expect(await readAll(gateway, { selectors: [{ device: { name: 'Nobody' } }] })).toEqual([])
  })
})

describe('§2.3 percent-encoding', () => {
  test.each([
    ['+', '%2B'],
    ['*', '%2A'],
    ['>', '%3E'],
    ['<', '%3C'],
    ['=', '%3D'],
    [' ', '%20'],
    ['[', '%5B'],
    [']', '%5D'],
    ['/', '%2F'],
    [':', '%3A'],
    ['?', '%3F'],
    ['%', '%25'],
    ['#', '%23'],
    ["'", '%27'],
    ['"', '%22'],
    ['(', '%28'],
    ['!', '%21'],
    ['ä', '%C3%A4'],
    ['電', '%E9%9B%BB'],
    ['a-Z_0.9~', 'a-Z_0.9~'],
  ])('[D][C] %s goes out as %s, and a gateway that decodes it knows the device', async (char, wire) => {
    const name = `x${char}y`
    expect(await wireForm({ device: { name } })).toMatch(`/iap/ws?dev=%2A%2Bname%3D%3Dx${wire}y&value=`)
    const csv = (cell: string) => `"${cell.replaceAll('"', '""')}"`
    const row = (device: string) => `2022-04-11T08:00:00Z,${csv(device)},b,0,p,1`
    const text = `time,device,block,index,datapoint,value\n${row(name)}\n${row('other')}`
    const { gateway } = await meetSimulator({ source: parseCsv(text) })
    const frames = await readAll(gateway, { selectors: [{ device: { name } }] })
    expect(frames.map(frame => (JSON.parse(frame) as { deviceName: string }).deviceName)).toEqual([name])
  })

  test('[D] the & inside of value is %26; ?, the & between parameters and the first = of each stay as they are', async () => {
    const url = await wireForm({ device, block: 'B', index: 0, point: { name: 'Light' } })
    expect(url.match(/[?&=]/g)?.join('')).toBe('?=&=&=&=&=')
    expect(url).toMatch(/value=%2A%2Butc%3E[^&=]*%26utc%3C%3D[^&=]*$/)
    expect(url).not.toContain('+')
  })
})

test('§4.1 [C] one data-log socket at a time is what a configuration gets that says nothing about it', async () => {
  const gateways = { g: { url: 'https://gateway', username: 'u', password: 'p', datapoints: ['*/*/*/*'] } }
  const site = await openSite({ gateways })
  expect(loadConfig(site.file, {}).gateways[0]?.limits.sockets).toBe(1)
  await site.remove()
})

describe('§2.1 a device whose name no query can say', () => {
  const rowsOf = (...devices: string[]) =>
    devices.map((device, i) => `${new Date(range.after + 1000 + i).toISOString()},${device},b,0,p,${i}`)
  const meetRows = async (rows: string[]) =>
    await meetSimulator({ source: parseCsv(['time,device,block,index,datapoint,value', ...rows].join('\n')) })

  test('[D] is asked for by its id, as the device list tells it, and only its entries come', async () => {
    const { gateway, history } = await meetRows(rowsOf('Hall & Lobby', 'Other'))
    const selectors: [Selector] = [{ device: { name: 'Hall & Lobby' } }]
    expect(await readAll(gateway, { selectors })).toHaveLength(2)
    await surveySite(gateway, selectors, never)
    const { deviceId } = history.datapoints.find(it => it.device === 'Hall & Lobby')!
    expect(parametersOf(gateway.pathOf({ gateway: 'g', selectors, range }))['dev']).toBe(String(deviceId))
    const frames = await readAll(gateway, { selectors })
    expect(frames.map(frame => (JSON.parse(frame) as { deviceName: string }).deviceName)).toEqual(['Hall & Lobby'])
  })
})

async function meetSimulator(
  options: SimulatorOptions,
): Promise<{ simulator: Simulator; gateway: Gateway; history: Simulator['history'] }> {
  const simulator = await startSimulator({ historyStart: range.after - 86_400_000, ...options })
  const { url, fingerprint256 } = simulator
  const gateway = new Gateway({
    name: 'g',
    url,
    username: 'etl',
    password: 'secret',
    tls: { kind: 'fingerprint', fingerprint256 },
    idleTimeout: 5_000,
    clock: systemClock,
  })
  onTestFinished(async () => {
    await gateway.close()
    await simulator.close()
  })
  return { simulator, gateway, history: simulator.history }
}
