import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import type { TimeRange } from '../../../src/domain/range.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { type Ledger, openLedger } from '../../../src/ledger/ledger.ts'
import { makeSeries } from '../../support/points.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const every = 5 * 60_000
const hour = 3_600_000
const month = 30 * 24 * hour
const place = { sink: 'influxdb:http://influx.plant.example:8086/site/autogen', gateway: 'plant-a' }

/** 180 devices, 540 datapoints: a request each, every five minutes. */
const names = ['nvoLuxLevel', 'nvoTemperature', 'Occupancy']
const devices = Array.from({ length: 180 }, (_, i) => `Multi-Sensor ${i}`)

function selectorsOf(device: string): Selector[] {
  return names.map(name => ({ device: { name: device }, block: 'LightSensor', index: 0, point: { name } }))
}

/** `pass` decides which devices had nothing to tell. */
function complete(ledger: Ledger, device: string, range: TimeRange, isFinal: boolean, pass: number): void {
  const selectors = selectorsOf(device)
  const [first, ...others] = selectors
  const counts = selectors.map((_, i): number => ((i + pass) % 4 === 0 ? 0 : 5))
  const received = counts.reduce((sum, count) => sum + count, 0)
  ledger.complete({
    sink: place.sink,
    request: { gateway: place.gateway, selectors: [first!, ...others], range },
    provisional: !isFinal,
    receipt: { ...emptyReceipt(), received, written: received, bytes: 420 * received, tookMs: 412 },
    points: counts,
    counts: counts.map(count => ({ received: count, written: count, rejected: 0 })),
    series: names.map((datapoint, i) => (counts[i] === 0 ? [] : [makeSeries({ device, datapoint })])),
    window: { group: device, ms: every },
  })
}

test('a year of 180 devices every five minutes stays far below 50 MB', () => {
  const path = join(temporaryFolder(), 'ledger.db')
  const clock = steeredClock(Date.UTC(2026, 0, 1))
  openLedger(path, clock).close()
  const ledger = openLedger(path, clock)
  onTestFinished(() => ledger.close())
  let pass = 0
  let final = clock.now() - hour
  /** As `sync` does it: what is new, what is mature once more, and now and then a mark in the database. */
  const sync = (since: number) => {
    const now = clock.now()
    const mature = now - hour
    for (const device of devices) {
      complete(ledger, device, { after: since, until: now }, false, pass)
      if (mature > final && pass % 2 === 0) complete(ledger, device, { after: final, until: mature }, true, pass)
    }
    if (pass % 2 === 0) final = Math.max(final, mature)
    const { number } = ledger.marks.begin(place.sink)
    ledger.marks.written(place.sink, { number, at: now, isSeen: true, identity: { startedAt: 'x' } })
    pass++
  }
  const sizes: number[] = []
  for (let i = 0; i < 12; i++) {
    // most of the month at once; its last passes one by one, as many as show what a pass leaves behind
    const begun = clock.now()
    clock.advance(month - 2 * every)
    sync(begun)
    for (let j = 0; j < 2; j++) {
      clock.advance(every)
      sync(clock.now() - every)
    }
    sizes.push(statSync(path).size)
  }
  ledger.close()
  const size = statSync(path).size
  expect(size).toBeLessThan(5_000_000)
  // no pass leaves more behind than the ones before it: a month adds a row of coverage to each datapoint
  expect(size - sizes[5]!).toBeLessThan(1_000_000)
  const database = new DatabaseSync(path)
  expect(Number(database.prepare('SELECT count(*) AS n FROM receipt').get()!['n'])).toBeLessThanOrEqual(2_100)
  database.close()
  // each claim still says what it rests on
  const reopened = openLedger(path, clock)
  const [{ proofs, series } = { proofs: [], series: [] }] = reopened.proofs.claims(
    place,
    selectorsOf(devices[0]!).slice(1, 2),
  )
  expect(proofs.length).toBeGreaterThan(10)
  for (const { points, counts } of proofs) expect([points, counts?.written]).toEqual([counts?.written, points])
  expect(series).toHaveLength(1)
  reopened.close()
}, 120_000)
