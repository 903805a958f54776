import { afterEach, beforeEach, expect, test } from 'vitest'
import { openThrottledGateway } from '../../../src/app.ts'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { createDeviceMeanings } from '../../../src/inventory/device-meanings.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { openSite, type Site } from '../../support/program.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { gatewaySettings } from '../../support/truth.ts'

let gateway: Simulator
let site: Site

beforeEach(async () => {
  gateway = await startSimulator({ devices: 2, statusMs: 20, faults: { stall: 1, stallMs: 1_500 } })
  site = await openSite({ gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) } })
})
afterEach(async () => {
  await gateway.close()
  await site.remove()
})

test('a request that fails carries what the gateway said while it ran, and nothing that was said before', async () => {
  const { log, lines } = recordedLog()
  const { signal } = new AbortController()
  const said = () => lines.map(line => line['notification']).filter(it => it !== undefined)
  const { source, close } = openThrottledGateway(loadConfig(site.file, {}).gateways[0]!, {
    clock: systemClock,
    log,
    sink: undefined,
    meanings: createDeviceMeanings(),
  })
  try {
    await source.hello(signal)
    while (!said().includes('earlier')) {
      gateway.emit('CRT:NOTIFICATION', { message: 'earlier', targetType: 'DEVICE', targetName: 'Pump' })
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const until = gateway.now() - 600_000
    const request = { gateway: 'g', selectors: [{}], range: { after: until - 3_600_000, until } } as const
    const reading = (async () => {
      for await (const _ of source.readDataLog(request, signal));
    })().catch(error => error)
    while (gateway.stats.logRequests === 0) await new Promise(resolve => setTimeout(resolve, 5))
    gateway.emit('CRT:NOTIFICATION', { message: 'log is busy', targetType: 'DEVICE', targetName: 'Pump' })
    const failure = await reading
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code: 'no-end', advice: expect.stringContaining('Pump: log is busy') })
    expect(failure.advice).not.toContain('earlier')
    expect(lines.filter(line => line['notification'] === 'log is busy')).toMatchObject([{ gateway: 'g' }])
  } finally {
    await close()
  }
})
