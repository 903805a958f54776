import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { parse } from 'yaml'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { openSite, runProgram } from '../../support/program.ts'
import { allDatapoints, gatewaySettings } from '../../support/truth.ts'

let gateway: Simulator
beforeAll(async () => {
  gateway = await startSimulator({ devices: 110 })
})
afterAll(() => gateway.close())

/** `onTestFinished` of the test itself: several go on at a time. */
async function meet({ onTestFinished }: TestContext, known: Simulator = gateway) {
  const site = await openSite({ gateways: { g: gatewaySettings(known, ['*/*/*/*']) } })
  onTestFinished(() => site.remove())
  const discover = (...args: string[]) => runProgram(['discover', 'g', '--config', site.file, ...args])
  return { site, discover }
}

// what takes long is the pace that the program keeps: together they wait no longer than the slowest
describe.concurrent('discover', () => {
  test('lists every logged datapoint, as the configuration takes it', async context => {
    const { site, discover } = await meet(context)
    const { code, stdout } = await discover()
    expect(code).toBe(0)
    const { datapoints } = parse(stdout)
    expect([...datapoints].sort()).toEqual(allDatapoints(gateway).sort())
    expect(stdout.split('\n').filter(line => /^ {2}- .* # every \d+[smhd]/.test(line)).length).toBeGreaterThan(100)
    // the very text, put into a configuration, is found right by check
    await writeFile(
      site.file,
      `${await readFile(site.file, 'utf8')}`.replace(/ {4}datapoints:\n(?: {6}.*\n?)*/, stdout.replace(/^/gm, '    ')),
    )
    const checked = await runProgram(['check', '--json', '--config', site.file])
    expect([checked.code, JSON.parse(checked.stdout).gateways.g.problems]).toEqual([0, []])
  }, 120_000)

  test('is not led astray by a list that changes while it is read', async context => {
    const changing = await startSimulator({ devices: 110, faults: { changeSnapshot: 0.3 } })
    context.onTestFinished(() => changing.close())
    const { discover } = await meet(context, changing)
    const { code, stdout } = await discover('--datapoint', 'nvoLux*', '--device', '*7*')
    expect(code).toBe(0)
    const wanted = allDatapoints(changing).filter(label => /^[^/]*7.*\/nvoLux/.test(label))
    expect(wanted.length).toBeGreaterThan(1)
    expect(parse(stdout).datapoints.sort()).toEqual(wanted.sort())
  }, 60_000)

  test('takes its time with a gateway that takes eight requests a second', async context => {
    const slow = await startSimulator({ devices: 30, requestsPerSecond: 8 })
    context.onTestFinished(() => slow.close())
    const { discover } = await meet(context, slow)
    const { code, stdout, stderr } = await discover()
    expect([code, stderr]).toEqual([0, ''])
    expect(parse(stdout).datapoints.sort()).toEqual(allDatapoints(slow).sort())
  }, 60_000)

  test('keeps to the devices and datapoints that are asked for', async context => {
    const { discover } = await meet(context)
    const { device } = gateway.history.datapoints[0]!
    const { stdout } = await discover('--device', device.toUpperCase())
    expect(parse(stdout).datapoints.sort()).toEqual(
      allDatapoints(gateway)
        .filter(it => it.startsWith(`${device}/`))
        .sort(),
    )
    const nothing = await discover('--device', 'no such*')
    expect([nothing.code, parse(nothing.stdout).datapoints]).toEqual([3, []])
  })

  test('writes a new file, and overwrites one only with --force', async context => {
    const asked = await startSimulator({ devices: 2 })
    context.onTestFinished(() => asked.close())
    const { site, discover } = await meet(context, asked)
    const file = join(site.folder, 'datapoints.yaml')
    const options = ['--device', asked.history.datapoints[0]!.device, '--write', file]
    expect((await discover(...options)).code).toBe(0)
    const first = await readFile(file, 'utf8')
    expect(parse(first).datapoints.length).toBeGreaterThan(0)
    await writeFile(file, 'mine')
    const before = asked.stats.requests
    expect((await discover(...options)).code).toBe(2)
    expect(await readFile(file, 'utf8')).toBe('mine')
    // it is said before the gateway is asked for thousands of datapoints
    expect(asked.stats.requests).toBe(before)
    expect((await discover(...options, '--force')).code).toBe(0)
    expect(parse(await readFile(file, 'utf8')).datapoints).toEqual(parse(first).datapoints)
  })
})
