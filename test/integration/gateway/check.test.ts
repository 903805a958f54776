import { describe, expect, type TestContext, test } from 'vitest'
import type { SimulatorOptions } from '../../../src/simulator/options.ts'
import { startSimulator } from '../../../src/simulator/simulator.ts'
import { freePort } from '../../support/free-port.ts'
import { openSite, runProgram } from '../../support/program.ts'
import { allDatapoints, gatewaySettings } from '../../support/truth.ts'

/** `onTestFinished` of the test itself: several go on at a time. */
async function meet({ onTestFinished }: TestContext, options: SimulatorOptions = { devices: 4 }) {
  const gateway = await startSimulator(options)
  const site = await openSite()
  onTestFinished(async () => {
    await gateway.close()
    await site.remove()
  })
  async function check(...args: string[]) {
    const { code, stdout, stderr } = await runProgram(['check', '--json', '--config', site.file, ...args])
    expect(stdout + stderr).not.toContain('secret')
    return { code, report: JSON.parse(stdout) }
  }
  return { gateway, site, check }
}

// what takes long is the trial of the general socket: together they wait no longer than one
describe.concurrent('check', () => {
  test('tells release, certificate, clock, log and CPU, and asks for no log', async context => {
    const { gateway, site, check } = await meet(context)
    await site.configure({ gateways: { g: gatewaySettings(gateway, allDatapoints(gateway)) } })
    const before = gateway.stats.logRequests
    const { code, report } = await check()
    expect(code).toBe(0)
    expect(report.gateways.g).toMatchObject({
      reached: true,
      release: expect.stringMatching(/^4\.10/),
      certificate: { fingerprint256: gateway.fingerprint256, validTo: expect.stringMatching(/^\d{4}-/) },
      logSize: expect.any(Number),
      cpu: expect.any(Number),
      generalSocket: 'open',
      problems: [],
      warnings: [],
    })
    expect(Math.abs(report.gateways.g.clockOffsetMs)).toBeLessThan(2_000)
    expect(report.sink).toMatchObject({ kind: 'sqlite', warnings: [] })
    expect(gateway.stats.logRequests).toBe(before)
  })

  test('says what is wrong with each configured datapoint, and what was probably meant', async context => {
    const { gateway, site, check } = await meet(context)
    const odd = gateway.history.datapoints.find(({ name, xif }) => name !== null && name !== undefined && name !== xif)!
    const [first] = gateway.history.datapoints
    const { device, block, index } = first!
    const wrong = {
      'unknown-device': `${device}x/*/*/*`,
      'unknown-datapoint': `${device}/${block}/${index}/${first!.xif}x`,
      'xif-for-instance-name': `${odd.device}/${odd.block}/${odd.index}/${odd.xif}`,
    }
    const datapoints = [...Object.values(wrong), `${device}/*/*/*`, { device: { id: 4711, as: device } }]
    await site.configure({
      gateways: {
        g: gatewaySettings(gateway, datapoints.slice(0, 4)),
        h: { ...gatewaySettings(gateway, datapoints.slice(4)), url: gateway.url.replace('127.0.0.1', 'localhost') },
      },
    })
    const { code, report } = await check()
    expect(code).toBe(3)
    const found = report.gateways.g.problems.map((it: { code: string; datapoint: string }) => [it.code, it.datapoint])
    expect(Object.fromEntries(found)).toEqual(wrong)
    const suggestions = report.gateways.g.problems.map((it: { suggestion: string }) => it.suggestion)
    expect(suggestions).toEqual([device, expect.stringContaining(`${block}/${index}/`), odd.name])
    expect(report.gateways.h.problems).toMatchObject([{ code: 'unknown-device' }])
  })

  test('does not call datapoints right that it could not look at', async context => {
    const { gateway: sick, site, check } = await meet(context, { devices: 2, faults: { restError: 1 } })
    await site.configure({ gateways: { g: gatewaySettings(sick, allDatapoints(sick)) } })
    const { code, report } = await check()
    expect(code).toBe(3)
    expect(report.gateways.g).toMatchObject({ reached: true, notChecked: expect.stringContaining('503') })
    expect(report.gateways.g).not.toHaveProperty('problems')
    const { stdout } = await runProgram(['check', '--config', site.file])
    expect(stdout).toMatch(/^ {2}datapoints +\d+ configured, not checked: .*503/m)
  })

  test('shows the fingerprint to pin where the certificate is not trusted, and sends no password there', async context => {
    const { gateway, site, check } = await meet(context)
    await site.configure({ gateways: { g: { ...gatewaySettings(gateway, ['*/*/*/*']), tls: {} } } })
    const before = gateway.stats.requests
    const { code, report } = await check()
    expect(code).toBe(1)
    expect(report.gateways.g).toMatchObject({
      reached: false,
      failure: { code: 'untrusted-certificate' },
      certificate: { fingerprint256: gateway.fingerprint256 },
    })
    expect(gateway.stats.requests).toBe(before)
    const { stdout } = await runProgram(['check', '--config', site.file])
    expect(stdout).toContain(`tls: { fingerprint256: "${gateway.fingerprint256}" }`)
  })

  test('looks at all gateways, also when one of them is away, or at the one that is named', async context => {
    const { gateway, site, check } = await meet(context)
    const away = `https://127.0.0.1:${await freePort()}`
    const settings = gatewaySettings(gateway, ['*/*/*/*'])
    await site.configure({ gateways: { away: { ...settings, url: away }, there: settings } })
    const { code, report } = await check()
    expect(code).toBe(1)
    expect(report.gateways.away.failure.code).toBe('gateway-unreachable')
    expect(report.gateways.there.reached).toBe(true)
    const one = await check('--gateway', 'there')
    expect([one.code, Object.keys(one.report.gateways)]).toEqual([0, ['there']])
  })

  test('fails where the database cannot be used', async context => {
    const { gateway, site, check } = await meet(context)
    const sink = { influxdb: { version: 1, url: `http://127.0.0.1:${await freePort()}`, database: 'd' } }
    await site.configure({ gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) }, sink })
    const { code, report } = await check()
    expect(code).toBe(1)
    expect(report.sink.failure).toBeDefined()
    expect(report.gateways.g.reached).toBe(true)
  })

  test('warns of a clock that is off by more than a minute', async context => {
    const { gateway: late, site, check } = await meet(context, { devices: 1, clockSkewMs: -600_000 })
    await site.configure({ gateways: { g: gatewaySettings(late, ['*/*/*/*']) } })
    const { code, report } = await check()
    expect(code).toBe(0)
    expect(report.gateways.g.warnings).toHaveLength(1)
    expect(Math.abs(report.gateways.g.clockOffsetMs + 600_000)).toBeLessThan(2_000)
  })

  for (const release of ['2.80', '3.10', '3.20.114', '3.60'] as const)
    test(`works on release ${release}`, async context => {
      const { gateway: old, site, check } = await meet(context, { devices: 4, release })
      await site.configure({ gateways: { g: gatewaySettings(old, allDatapoints(old)) } })
      const { code, report } = await check()
      expect(report.gateways.g).toMatchObject({ reached: true, generalSocket: 'open', problems: [] })
      expect(code).toBe(0)
    })
})
