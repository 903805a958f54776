import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { openSite, type Running, type Site, startProgram } from '../../support/program.ts'
import { gatewaySettings } from '../../support/truth.ts'

let gateway: Simulator
let site: Site
let running: Running | undefined

beforeEach(async () => {
  gateway = await startSimulator({ devices: 3, statusMs: 50 })
  site = await openSite({ gateways: { g: gatewaySettings(gateway, ['*/*/*/*']) } })
})
afterEach(async () => {
  running?.child.kill('SIGKILL')
  await gateway.close()
  await site.remove()
})

function watch(...args: string[]): Running {
  running = startProgram(['watch', 'g', '--json', '--config', site.file, ...args])
  return running
}

const printed = ({ printed }: Running): Record<string, unknown>[] =>
  printed()
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(resolve => setTimeout(resolve, 20))
}

const qualifierOf = (frame: string): string => JSON.parse(frame).dpQualifier

test('watch shows updates of the datapoints that it subscribed to, and of no others', async () => {
  const [mine, other] = gateway.history.datapoints
  const label = `${mine!.device}/${mine!.block}/${mine!.index}/${mine!.name ?? mine!.xif}`
  const watching = watch(label)
  const qualifiers = [mine!, other!].map(({ id }) => {
    for (const entry of gateway.history.merged(it => it.id === id, 0, gateway.now()))
      return qualifierOf(gateway.frame(entry))
    throw new Error('nothing logged')
  })
  await until(() => {
    gateway.emit(
      'UPD:DATAPOINT',
      qualifiers.map((datapointQualifier, value) => ({ datapointQualifier, value })),
    )
    return printed(watching).length > 0
  })
  expect(printed(watching)[0]).toMatchObject({ datapoint: label, qualifier: qualifiers[0], value: 0 })
  expect(printed(watching).every(it => it['datapoint'] === label)).toBe(true)
  watching.child.kill('SIGINT')
  const { code, stderr } = await watching.ended
  expect(code).toBe(0)
  expect(stderr).toMatch(/login/)
})

test('watch --actions shows whatever comes, known or not, and goes on after the session has ended', async () => {
  const watching = watch('--actions')
  const has = (action: string) => printed(watching).some(it => it['action'] === action)
  await until(() => {
    gateway.emit('UPD:SOMETHING_NEW', { a: 1 })
    return has('UPD:SOMETHING_NEW') && has('NTF:TIME')
  })
  gateway.expireSessions()
  await until(() => {
    gateway.emit('UPD:AFTER', 1)
    return has('UPD:AFTER')
  })
  watching.child.kill('SIGTERM')
  expect((await watching.ended).code).toBe(0)
})

test('watch of something that the gateway does not have says so at once', async () => {
  expect((await watch('No such device/*/*/*').ended).code).toBe(2)
  expect((await watch('not a datapoint').ended).code).toBe(2)
})
