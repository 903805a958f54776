import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { type Selector, selectorKey } from '../../../src/domain/datapoint.ts'
import { RangeSet } from '../../../src/domain/range.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import type { DataLogRequest } from '../../../src/domain/request.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const minute = 60_000
const every = 5 * minute
const years = 10 * 366 * 24 * 60 * minute
/** An hour of lateness, and an hour more until its re-read, in passes of 5 minutes. */
const looks = 24
const place = { sink: 'influxdb:http://influx.plant.example:8086/site/autogen', gateway: 'plant-a' }

const selectors = Array.from(
  { length: 1_000 },
  (_, i): Selector => ({
    device: { name: `Multi-Sensor ${Math.floor(i / 3)}` },
    block: 'LightSensor',
    index: 0,
    point: { name: ['nvoLuxLevel', 'nvoTemperature', 'Occupancy'][i % 3]! },
  }),
)

/** What a daemon leaves that has synced a thousand datapoints for ten years: written at once, since waiting for it is no test. */
function fileAfterTenYears(): string {
  const path = join(temporaryFolder(), 'ledger.db')
  const clock = steeredClock()
  const ledger = openLedger(path, clock)
  const [first, ...others] = selectors
  const devices = Map.groupBy(selectors, ({ device }) => selectorKey({ device: device! }))
  const now = clock.now()
  ledger.complete({
    sink: place.sink,
    request: { gateway: place.gateway, selectors: [first!, ...others], range: { after: now - years, until: now } },
    provisional: false,
    receipt: { ...emptyReceipt(), received: 1_000_000_000, written: 999_999_000, bytes: 1e12, tookMs: 1e9 },
    points: selectors.map(() => 1_053_000),
    counts: selectors.map(() => ({ received: 1_054_000, written: 1_053_100, rejected: 900 })),
    series: selectors.map(({ device, block, point }) => [
      {
        measurement: 'datalog',
        tags: new Map(Object.entries({ block: block!, index: '0', ...device, datapoint: Object.values(point!)[0]! })),
      },
    ]),
    clock: { reading: { host: now, gateway: now }, before: RangeSet.empty, during: RangeSet.empty, newestEntry: now },
  })
  const pins = ledger.pins.of(place)
  for (const selector of selectors) pins.set(selectorKey(selector), 'number')
  pins.keep()
  const told = selectors.map((selector, i) => [selector, (i % 3) * 86_400_000] as const)
  ledger.memory.noteRetentions(place.gateway, now, new Map(told))
  ledger.close()

  const database = new DatabaseSync(path)
  database.exec('BEGIN')
  const look = database.prepare('INSERT INTO coverage (target, final, after, until, points) VALUES (?, 0, ?, ?, 5)')
  for (const { id } of database.prepare('SELECT id FROM target').all())
    for (let i = 0; i < looks; i++) look.run(id!, now + i * every, now + (i + 1) * every)
  const remember = database.prepare('INSERT INTO gateway_memory VALUES (?, ?, ?)')
  for (const [group] of devices) {
    remember.run(place.gateway, `window ${group}`, '2592000000')
    remember.run(place.gateway, `width ${group}`, '"narrow"')
  }
  database.exec('COMMIT')
  database.close()
  fillReceipts(path, [...devices.values()])
  return path
}

/** Through the ledger itself: how many it keeps is its own affair. */
function fillReceipts(path: string, devices: readonly (readonly Selector[])[]): void {
  const clock = steeredClock()
  const database = new DatabaseSync(path)
  database.exec('PRAGMA synchronous = OFF')
  database.close()
  const ledger = openLedger(path, clock)
  for (let i = 0; i < 2_200; i++) {
    const [first] = devices[i % devices.length] as DataLogRequest['selectors']
    const range = { after: clock.now() - years + i, until: clock.now() - years + i + 1 }
    const receipt = { ...emptyReceipt(), received: 15, outside: 3, written: 12, bytes: 6_300, tookMs: 412 }
    ledger.complete({
      sink: place.sink,
      request: { gateway: place.gateway, selectors: [first], range },
      provisional: true,
      receipt,
      points: [4],
    })
  }
  ledger.close()
}

test('ten years of a thousand datapoints every five minutes stay under two megabytes and open in milliseconds', () => {
  const path = fileAfterTenYears()
  expect(statSync(path).size / 1024).toBeLessThan(2_048)
  const opened: number[] = []
  for (let i = 0; i < 5; i++) {
    const begun = performance.now()
    const ledger = openLedger(path, steeredClock())
    opened.push(performance.now() - begun)
    expect(ledger.coverage.of(place, selectors.slice(0, 1)).get(selectors[0]!)!.final.length).toBe(years)
    ledger.close()
  }
  // the best of them: other tests may be at work meanwhile
  expect(Math.min(...opened)).toBeLessThan(50)
}, 60_000)
