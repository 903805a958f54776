import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import type { Series } from '../../../src/domain/point.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { type Ledger, openLedger } from '../../../src/ledger/ledger.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const sink = 'influxdb:http://localhost:8086/site'
const place = { sink, gateway: 'plant-a' }
const day = 86_400_000
const start = Date.UTC(2026, 0, 1)
const lux: Selector = { device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { xif: 'nvoLux' } }
const temp: Selector = { device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { xif: 'nvoTemp' } }

function openForTest(path = ':memory:') {
  const clock = steeredClock()
  const ledger = openLedger(path, clock)
  onTestFinished(() => ledger.close())
  return ledger
}

function complete(ledger: Ledger, after: number, until: number, selector = lux, measurement = 'datalog'): void {
  const series: Series = { measurement, tags: new Map([['datapoint', JSON.stringify(selector.point)]]) }
  ledger.complete({
    ...place,
    request: { gateway: place.gateway, selectors: [selector], range: { after, until } },
    provisional: false,
    receipt: { ...emptyReceipt(), received: 3, written: 3 },
    points: [3],
    series: [[series]],
  })
}

function mark(ledger: Ledger): number {
  const { number } = ledger.marks.begin(sink)
  ledger.marks.written(sink, { number, at: start, isSeen: true, identity: {} })
  return number
}

function covered(ledger: Ledger, selector = lux, at = sink) {
  return ledger.coverage.of({ ...place, sink: at }, [selector]).get(selector)!.final.ranges
}

const range = (from: number, to: number) => ({ after: start + from * day, until: start + to * day })
const fill = (ledger: Ledger, from: number, to: number, ...rest: [Selector?, string?]) =>
  complete(ledger, start + from * day, start + to * day, ...rest)

describe('a database that bears an older mark', () => {
  it('loses the proof of what was recorded after it, datapoint by datapoint, and nothing else', () => {
    const ledger = openForTest()
    mark(ledger)
    fill(ledger, 0, 2)
    fill(ledger, 0, 9, temp)
    const old = mark(ledger)
    fill(ledger, 2, 3)
    mark(ledger)
    fill(ledger, -5, -4)
    ledger.marks.lost(sink, { since: old })
    expect(covered(ledger)).toEqual([range(0, 2)])
    expect(covered(ledger, temp)).toEqual([range(0, 9)])
  })

  it('keeps what was recorded before the first mark was ever written', () => {
    const ledger = openForTest()
    fill(ledger, 0, 5)
    const first = mark(ledger)
    fill(ledger, 5, 6)
    mark(ledger)
    ledger.marks.lost(sink, { since: first })
    expect(covered(ledger)).toEqual([range(0, 5)])
  })

  it('loses what was recorded while the mark was being written', () => {
    const ledger = openForTest()
    mark(ledger)
    const { number } = ledger.marks.begin(sink)
    fill(ledger, 0, 1)
    ledger.marks.written(sink, { number, at: start, isSeen: true, identity: {} })
    ledger.marks.lost(sink, { since: number })
    expect(covered(ledger)).toEqual([])
  })

  it('loses a little more than that where the mark is very old, never less, and the ledger stays small', () => {
    const path = join(temporaryFolder(), 'ledger.db')
    const ledger = openForTest(path)
    mark(ledger)
    const marks = Array.from({ length: 400 }, (_, i) => {
      fill(ledger, i, i + 1)
      return mark(ledger)
    })
    const file = new DatabaseSync(path, { readOnly: true })
    expect(Number(file.prepare('SELECT count(*) AS rows FROM recent').get()!['rows'])).toBeLessThan(70)
    file.close()
    ledger.marks.lost(sink, { since: marks[99]! })
    const [kept] = covered(ledger)
    const last = (kept!.until - start) / day
    expect(kept!.after).toBe(start)
    expect(last).toBeLessThanOrEqual(100)
    expect(last).toBeGreaterThan(60)
  })
})

describe('a database that was made anew', () => {
  it('loses all proof, and gets a mark of another name', () => {
    const ledger = openForTest()
    const before = ledger.marks.begin(sink)
    fill(ledger, 0, 9)
    fill(ledger, 0, 9, temp, 'climate')
    ledger.marks.lost(sink, 'all')
    expect([covered(ledger), covered(ledger, temp)]).toEqual([[], []])
    expect(ledger.marks.samples(sink)).toEqual([])
    const after = ledger.marks.begin(sink)
    expect(after.id).not.toBe(before.id)
    expect(after.number).toBeGreaterThan(before.number)
  })

  it('loses the proof of one measurement where that one alone is gone', () => {
    const ledger = openForTest()
    mark(ledger)
    fill(ledger, 0, 9)
    fill(ledger, 0, 9, temp, 'climate')
    ledger.marks.lost(sink, { measurement: 'climate' })
    expect([covered(ledger), covered(ledger, temp)]).toEqual([[range(0, 9)], []])
    expect(ledger.marks.samples(sink).map(({ measurement }) => measurement)).toEqual(['datalog'])
  })
})

describe('a database at another address', () => {
  it('keeps all that is known of it', () => {
    const ledger = openForTest()
    mark(ledger)
    fill(ledger, 0, 9)
    const known = ledger.marks.of(sink)
    const moved = 'influxdb:http://influx.example:8086/site'
    expect(ledger.marks.others(moved)).toEqual([sink])
    ledger.marks.move(sink, moved)
    expect(covered(ledger, lux, moved)).toEqual([range(0, 9)])
    expect(covered(ledger)).toEqual([])
    expect(ledger.marks.of(moved)).toEqual(known)
    expect(ledger.marks.samples(moved)).toHaveLength(1)
  })
})
