import { expect, it } from 'vitest'
import type { Frame } from '../../../src/domain/entry.ts'
import type { TimeRange } from '../../../src/domain/range.ts'
import type { DataLogRequest } from '../../../src/domain/request.ts'
import { run } from '../../../src/pipeline/run.ts'
import { syncForever } from '../../../src/service/sync.ts'
import { day, hour, lux, minute, openPipeline, today } from '../../support/pipeline.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { noEnd, scriptedGateway } from '../../support/scripted-gateway.ts'

const selectors = [1, 2, 3, 4, 5].map(number => ({ ...lux, device: { name: `Sensor ${number}` } }))
const second = 1_000

interface Asked {
  readonly device: string
  readonly range: TimeRange
}

/** A sync of five devices, for so long. `helloMs`: what each login takes. */
async function syncFor(
  ms: number,
  { every, helloMs = 0, sick }: { every: number; helloMs?: number; sick?: (asked: Asked) => boolean },
): Promise<{ asked: Asked[]; started: number }> {
  const { clock, parts, job } = openPipeline()
  const started = clock.now()
  const inner = scriptedGateway({ now: clock.now })
  const asked: Asked[] = []
  const source = {
    ...inner,
    async hello(signal: AbortSignal) {
      await clock.sleep(helloMs, signal)
    },
    async *readDataLog({ selectors: [first], range }: DataLogRequest): AsyncGenerator<readonly Frame[]> {
      const { device } = first
      const request = { device: device !== undefined && 'name' in device ? device.name : '', range }
      asked.push(request)
      await clock.sleep(100)
      if (sick?.(request) === true) throw noEnd()
      yield []
    },
  }
  const requests = { entries: 50_000, shortest: minute, longest: 2 * hour, per: 'device', order: 'oldest' } as const
  const limits = { sockets: 1, pause: 500, requestsPerMinute: 12 }
  const first = job(source, { selectors, requests, limits, maturity: { settle: 0, lateness: 0 } })
  const stop = new AbortController()
  const sync = syncForever(
    ['plant-a'],
    { every, since: 2 * day },
    {
      run: (demand, _only, _observe, signal) => run([{ ...first, demand }], parts, signal),
      ...{ clock, log: recordedLog().log, logged: new Set<string>() },
      lettersOf: () => ({ open: 0, discarded: [] }),
    },
    stop.signal,
  )
  await clock.sleep(ms)
  stop.abort(new Error('stopped'))
  await sync
  return { asked, started }
}

it('serves all devices in turn, and their history, where a pass has time for one request only', async () => {
  const { asked, started } = await syncFor(10 * minute, { every: 5 * second })
  const counts = selectors.map(({ device: { name } }) => asked.filter(({ device }) => device === name).length)
  expect(asked.length).toBeGreaterThan(90)
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(Math.max(...counts) / 4)
  // the history advances meanwhile: a quarter of the requests, from the oldest on
  const old = asked.filter(({ range }) => range.until <= started - 6 * hour)
  expect(old.length).toBeGreaterThanOrEqual(asked.length / 5)
  expect(new Set(old.map(({ device }) => device)).size).toBe(5)
  expect(new Set(old.map(({ device, range }) => `${device} ${range.after}`)).size).toBe(old.length)
})

it('serves the others although one device fails again and again, and one range of the history does', async () => {
  const { asked, started } = await syncFor(10 * minute, {
    every: 5 * second,
    sick: ({ device, range }) => device === 'Sensor 1' || (device === 'Sensor 2' && range.after < today - 44 * hour),
  })
  for (const name of ['Sensor 3', 'Sensor 4', 'Sensor 5'])
    expect(asked.filter(({ device, range }) => device === name && range.until > started - hour).length).toBeGreaterThan(
      5,
    )
  const history = asked.filter(({ device, range }) => device === 'Sensor 3' && range.until <= started - 6 * hour)
  expect(history.length).toBeGreaterThan(2)
})

it('makes a request in every pass, however long the login takes', async () => {
  const { asked } = await syncFor(2 * minute, { every: 5 * second, helloMs: 4_500 })
  expect(asked.length).toBeGreaterThanOrEqual(10)
})
