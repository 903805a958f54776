import { writeFile } from 'node:fs/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { stringify } from 'yaml'
import { openGateway } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { Rejection } from '../../../src/domain/entry.ts'
import { checkGateway } from '../../../src/reports/gateway-check.ts'
import { GatewayMonitor } from '../../../src/smartserver/gateway-monitor.ts'
import type { Update } from '../../../src/smartserver/updates.ts'
import { type Meeting, meetGateway, never, readAll, type Script } from '../../support/conforming-gateway.ts'
import { openSite, startProgram } from '../../support/program.ts'
import { recordedLog } from '../../support/recorded-log.ts'

const frame = (action: string, payload: unknown) => JSON.stringify({ action, payload })
const storage = 'PUT /iap/storage/publishes/true'

/** The socket kept open by the client itself, and what it makes of the frames. */
async function keep(script: Script, onOpen?: (meeting: Meeting) => Promise<void>) {
  const meeting = await meetGateway(script)
  const stop = new AbortController()
  const updates: (Update | Rejection)[] = []
  const troubles: string[] = []
  meeting.clock.runFreely()
  const kept = meeting.gateway.keepGeneralSocket(
    {
      onUpdate: update => updates.push(update),
      onTrouble: failure => troubles.push(failure.code),
      ...(onOpen === undefined ? {} : { onOpen: () => onOpen(meeting) }),
    },
    stop.signal,
  )
  onTestFinished(async () => {
    stop.abort()
    await kept
  })
  return { ...meeting, updates, troubles }
}

/** The monitor that stays with a gateway while it is worked on. */
async function accompany(script: Script, generalSocket = true) {
  const meeting = await meetGateway(script)
  const { gateway, clock } = meeting
  const { log, lines } = recordedLog()
  const monitor = new GatewayMonitor({ gateway, clock, log, generalSocket })
  await gateway.hello(never)
  monitor.start()
  onTestFinished(() => monitor.close())
  return { ...meeting, monitor, lines }
}

describe('§6 the general-purpose socket', () => {
  test('[D] is /iap/ws without a query, with the cookie, opened after REST calls that succeeded, and hears only', async () => {
    const { upgrades, server, said, updates } = await keep({ general: socket => socket.send(frame('UPD:CPU', 1)) })
    await vi.waitFor(() => expect(updates).toHaveLength(1))
    expect(upgrades.map(({ method, url, headers }) => [method, url, headers.cookie])).toEqual([
      ['GET', '/iap/ws', 'cmsSID=sid.1/a+b=='],
    ])
    expect(server.calls).toEqual(['POST /iap/auth/login', 'GET /iap/auth/sessionTimeout'])
    expect(said).toEqual([])
  })

  test('[C] stands beside data-log sockets of the same login', async () => {
    const { gateway, updates, upgrades, troubles } = await keep({ general: socket => socket.send(frame('UPD:CPU', 1)) })
    await vi.waitFor(() => expect(updates).toHaveLength(1))
    expect(await readAll(gateway)).toEqual([])
    expect(new Set(upgrades.map(({ headers }) => headers.cookie)).size).toBe(1)
    expect(troubles).toEqual([])
  })

  test.each<[string, unknown, object]>([
    ['[C] UPD:CPU', 37.5, { kind: 'cpu', percents: { '': 37.5 } }],
    ['[C] UPD:SC:CPU', { SmartServer: 42 }, { kind: 'cpu', percents: { SmartServer: 42 } }],
    ['[C] UPD:EPS', 12, { kind: 'events-per-second', rates: { '': 12 } }],
    ['[C] UPD:TOTAL_EPS', 12, { kind: 'events-per-second', rates: { '': 12 } }],
    ['[C] UPD:SC:EPS', { SmartServer: 3 }, { kind: 'events-per-second', rates: { SmartServer: 3 } }],
    ['[I] UPD:SC:MEMORY', { SmartServer: { memory: { total: 1 } } }, { kind: 'memory' }],
    ['[C] UPD:MONITORINGSTATE', { active: false }, { kind: 'monitoring', isActive: false }],
    [
      '[C] UPD:DATAPOINT',
      [{ datapointQualifier: '17q/lon/5/L/0/nvo', value: { v: 1 }, presetValue: 'ON', locValue: '1 lx' }],
      { kind: 'datapoints', updates: [{ qualifier: '17q/lon/5/L/0/nvo', value: { v: 1 }, localized: '1 lx' }] },
    ],
    [
      '[C] UPD:DATAPOINT',
      [{ datapointQualifier: 'q', value: 1, timestamp: '2022-04-11T08:00:00.000Z[UTC]' }],
      { kind: 'datapoints', updates: [{ timestamp: '2022-04-11T08:00:00.000Z[UTC]' }] },
    ],
    [
      '[C] UPD:DEVICE',
      { id: 5, name: 'Sensor 1', status: { state: 'provisioned', health: 'down' } },
      { kind: 'device', id: '5', name: 'Sensor 1', state: 'provisioned', health: 'down' },
    ],
    ['[?] DEL:DEVICE', { id: 5 }, { kind: 'device-deleted', id: '5' }],
    ['[C] UPD:DEVICE_TEST_RESULT', { deviceId: 5, results: { state: 'x' } }, { kind: 'device-test', id: '5' }],
    ['[?] CRT:ALARM', { id: 1 }, { kind: 'alarm', isNew: true }],
    ['[?] DEL:ALARM', null, { kind: 'alarm', isNew: false }],
    [
      '[C] CRT:NOTIFICATION',
      { message: 'queryStatus  Device does not respond!', targetType: 'DEVICE', targetName: 'Sensor 1' },
      { kind: 'notification', message: 'queryStatus  Device does not respond!', targetName: 'Sensor 1' },
    ],
    [
      '[C] NTF:JOIN',
      { uid: '00d0', type: '9FFF', protocol: 'lon' },
      { kind: 'service-pin', uid: '00d0', protocol: 'lon' },
    ],
    ['[C] NTF:TIME', { value: '2025-12-31T16:00:00-08:00[America/Los_Angeles]' }, { kind: 'time' }],
    ['[C] UPD:LIC:CLOUD', {}, { kind: 'licence' }],
    ['[C] DEL:LIC', {}, { kind: 'licence' }],
    ['[C] NTF:LIC:ACTION', 'x', { kind: 'licence' }],
    ['[C] UPD:LIC:TOTAL', 3, { kind: 'licence' }],
  ])('brings %s in the envelope of action and payload: %j', async (marked, payload, expected) => {
    const action = marked.split(' ')[1]!
    const { updates } = await keep({ general: socket => socket.send(frame(action, payload)) })
    await vi.waitFor(() => expect(updates).toMatchObject([{ raw: action, ...expected }]))
  })

  test('[?] goes on after an action of a later release and after frames that make no sense', async () => {
    const frames = [
      frame('NEW:THING', [1]),
      'no json',
      '[]',
      '{"payload":1}',
      frame('UPD:CPU', 'x'),
      frame('UPD:CPU', 5),
    ]
    const { updates, upgrades } = await keep({ general: socket => frames.forEach(it => void socket.send(it)) })
    await vi.waitFor(() => expect(updates).toHaveLength(frames.length))
    expect(updates.at(-1)).toMatchObject({ kind: 'cpu' })
    expect(upgrades).toHaveLength(1)
  })
})

describe('§6.1 CPU', () => {
  test('[C] is turned on with an empty PUT, once, when event rates come without it for five seconds', async () => {
    const eps = frame('UPD:TOTAL_EPS', 9)
    const { server, clock, monitor } = await accompany({
      general: socket => {
        socket.send(eps)
        socket.send(eps)
      },
    })
    await vi.waitFor(() => expect(clock.slept).toContain(5_000))
    clock.advance(4_999)
    expect(server.calls).not.toContain(storage)
    clock.advance(1)
    await vi.waitFor(() => expect(server.calls).toContain(storage))
    const { body, headers } = server.asked.find(({ path }) => path === '/iap/storage/publishes/true')!
    expect([body, headers['content-length'], headers['transfer-encoding']]).toEqual(['', '0', undefined])
    clock.advance(60_000)
    await monitor.close()
    expect(server.calls.filter(call => call === storage)).toHaveLength(1)
  })

  test.each<[string, unknown, number | undefined]>([
    ['UPD:CPU, up to 3.4', 51, 51],
    ['UPD:SC:CPU, from 3.5', { SmartServer: 52 }, 52],
    ['UPD:SC:CPU of several controllers: whose is it?', { a: 1, b: 2 }, undefined],
  ])('[C] is heard from %s', async (action, payload, percent) => {
    const { monitor, clock, lines } = await accompany({
      general: socket => {
        socket.send(frame(action.split(/[, ]/)[0]!, payload))
        socket.send(frame('CRT:NOTIFICATION', { message: 'after it' }))
      },
    })
    await vi.waitFor(() => expect(monitor.notificationsSince(0)).toEqual(['after it']))
    expect(monitor.cpu()).toEqual(percent === undefined ? undefined : { percent, at: clock.now() })
    expect(lines.some(({ level }) => level > 40)).toBe(false)
  })

  test.each<[string, readonly unknown[], number | undefined]>([
    ['of one controller', [{ SmartServer: 52 }], 52],
    ['of several: whose is it?', [{ a: 1, b: 2 }], undefined],
    ['of several and then of one', [{ a: 1, b: 2 }, { SmartServer: 52 }], 52],
  ])('[C] is shown by check from UPD:SC:CPU %s', async (_, payloads, percent) => {
    const heard = Promise.withResolvers<void>()
    const { server, clock } = await meetGateway({
      general: socket => {
        for (const payload of payloads) socket.send(frame('UPD:SC:CPU', payload))
        // the answer to a ping comes behind what was sent before it
        socket.on('pong', () => heard.resolve())
        socket.on('close', () => heard.resolve())
        socket.ping()
      },
    })
    const site = await openSite()
    onTestFinished(site.remove)
    const { url, fingerprint256 } = server
    const g = { url, username: 'etl', password: 'x', tls: { fingerprint256 }, datapoints: ['*/*/*/*'] }
    await writeFile(site.file, stringify({ gateways: { g } }))
    const config = loadConfig(site.file, {}).gateways[0]!
    const gateway = openGateway(config, { clock })
    onTestFinished(() => gateway.close())
    const checking = checkGateway(gateway, config, clock, never)
    const ticking = setInterval(() => clock.advance(clock.slept.at(-1) === 5_000 ? 0 : 1_000), 10)
    await heard.promise
    clearInterval(ticking)
    clock.runFreely()
    expect((await checking).cpu).toBe(percent)
  })

  test('[C] is in /iap/storage from 4.1 on, without a socket', async () => {
    const { monitor, upgrades } = await accompany(
      {
        version: '4.10.038',
        answer: ({ path }) =>
          path === '/iap/storage' ? { body: '{"dataLogSize":12,"cpuUtilization":{"SmartServer":96}}' } : undefined,
      },
      false,
    )
    await vi.waitFor(() => expect(monitor.cpu()?.percent).toBe(96))
    expect(upgrades).toEqual([])
  })
})

test('§6 [C] NTF:TIME of 4.1 is the gateway’s clock, with its offset and to the millisecond', async () => {
  const { gateway, clock } = await accompany({
    general: socket => socket.send(frame('NTF:TIME', { value: '2025-12-31T15:58:00.125-08:00[America/Los_Angeles]' })),
  })
  await vi.waitFor(() => expect(gateway.clock.now() - clock.now()).toBe(-120_000 + 125))
})

test('§5 [D] failures that come as CRT:NOTIFICATION alone are reported, and known to a request that fails meanwhile', async () => {
  const payload = { message: 'queryStatus  Device does not respond!', targetType: 'DEVICE', targetName: 'Sensor 1' }
  const { monitor, lines } = await accompany({ general: socket => socket.send(frame('CRT:NOTIFICATION', payload)) })
  await vi.waitFor(() =>
    expect(monitor.notificationsSince(0)).toEqual(['Sensor 1: queryStatus Device does not respond!']),
  )
  expect(lines).toContainEqual(expect.objectContaining({ level: 40, notification: payload.message }))
})

describe('§6.2 and §6.4', () => {
  test('[C] a socket lost with 1006 is opened again, and subscribers are informed', async () => {
    let opened = 0
    const { upgrades, troubles } = await keep(
      { general: socket => void (opened++ === 0 && setTimeout(() => socket.terminate(), 20)) },
      async ({ gateway }) => {
        await gateway.call({ method: 'PUT', path: '/iap/dp/updates/subscribe', json: ['q'] }, never)
      },
    )
    await vi.waitFor(() => expect(upgrades).toHaveLength(2))
    expect(troubles).toHaveLength(1)
  })

  test('[C] a socket refused because the session has ended is opened with a new login', async () => {
    let calls = 0
    const { upgrades, updates } = await keep({
      answer: ({ cookie }) => (cookie?.includes('sid.1') && calls++ > 0 ? { status: 401 } : undefined),
      refuse: ({ headers }) => (headers.cookie?.includes('sid.1') ? { status: 401 } : undefined),
      general: socket => socket.send(frame('UPD:CPU', 1)),
    })
    await vi.waitFor(() => expect(updates).toHaveLength(1))
    expect(upgrades.map(({ headers }) => headers.cookie)).toEqual(['cmsSID=sid.1/a+b==', 'cmsSID=sid.2/a+b=='])
  })

  test('[C] a socket that is refused to any login costs a login each half hour at most', async () => {
    const { server, clock, troubles } = await keep({ refuse: () => ({ status: 403 }) })
    const began = clock.now()
    await vi.waitFor(() => expect(troubles.length).toBeGreaterThan(20))
    const logins = server.calls.filter(call => call === 'POST /iap/auth/login').length
    expect(logins).toBeLessThanOrEqual(1 + Math.ceil((clock.now() - began) / 1_800_000))
  })

  test('[C] a subscription is one PUT of a list of qualifiers, after each opening of the socket', async () => {
    const qualifier = '17q4bn7/lon/5/LightSensor/0/nvoLuxLevel'
    const device = { name: 'Sensor 1', category: 'EDGE', id: '5', deviceTypeName: 'Light', status: {} }
    const datapoint = { blockName: 'LightSensor', blockIndex: 0, datapointName: 'nvoLuxLevel', dpQualifier: qualifier }
    const list = (item: object) => ({ body: JSON.stringify({ snapshot: 1, resources: [item], remainingPages: 0 }) })
    const sockets: WebSocket[] = []
    const { server } = await meetGateway({
      answer: ({ path }) => {
        if (path.startsWith('/iap/devs?')) return list(device)
        if (path.startsWith('/iap/devs/5/if')) return list(datapoint)
        return path === '/iap/dp/updates/subscribe' ? { status: 204 } : undefined
      },
      general: socket => void sockets.push(socket),
    })
    const site = await openSite()
    onTestFinished(site.remove)
    const { url, fingerprint256 } = server
    const g = { url, username: 'etl', password: 'x', tls: { fingerprint256 }, datapoints: ['Sensor 1/*/*/*'] }
    await writeFile(site.file, stringify({ gateways: { g } }))
    const running = startProgram(['-c', site.file, 'watch', 'g', '--json'])
    onTestFinished(async () => {
      running.child.kill('SIGKILL')
      await running.ended
    })
    const subscriptions = () => server.asked.filter(({ path }) => path === '/iap/dp/updates/subscribe')
    await vi.waitFor(() => expect(subscriptions()).toHaveLength(1), 10_000)
    sockets[0]?.terminate()
    await vi.waitFor(() => expect(subscriptions()).toHaveLength(2), 10_000)
    for (const { method, body, headers } of subscriptions()) {
      expect([method, JSON.parse(body)]).toEqual(['PUT', [qualifier]])
      expect(headers['content-type']).toBe('application/json')
    }
    sockets[1]?.send(frame('UPD:DATAPOINT', [{ datapointQualifier: qualifier, value: 412 }]))
    await vi.waitFor(() => expect(running.printed()).toMatch(/"value":412/), 10_000)
  })
})
