import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { RangeSet, type TimeRange } from '../../../src/domain/range.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { type Ledger, openLedger, openLedgerReadOnly } from '../../../src/ledger/ledger.ts'
import { runs } from '../../support/runs.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const place = { sink: 'sqlite:points', gateway: 'plant-a' }
const lux: Selector = { device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { xif: 'nvoLux' } }
const temp: Selector = { device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { xif: 'nvoTemp' } }
const minute = 60_000

function openForTest(path = join(temporaryFolder(), 'ledger.db')) {
  const clock = steeredClock()
  const ledger = openLedger(path, clock)
  onTestFinished(() => ledger.close())
  return { ledger, path, clock }
}

interface Done {
  readonly selectors?: readonly [Selector, ...Selector[]]
  readonly provisional?: boolean
  readonly sink?: string
  readonly gateway?: string
}

function complete(ledger: Ledger, after: number, until: number, done: Done = {}): void {
  const { selectors = [lux], provisional = false, sink = place.sink, gateway = place.gateway } = done
  ledger.complete({
    sink,
    request: { gateway, selectors, range: { after, until } },
    provisional,
    receipt: { ...emptyReceipt(), received: 3, written: 3 },
    points: [3],
    window: { group: 'all', ms: 7 },
  })
}

function park(
  ledger: Ledger,
  range: TimeRange,
  tries = 3,
  selectors: readonly [Selector, ...Selector[]] = [lux],
): void {
  const failure = new Failure('the gateway closed the socket', { code: 'no-end', retry: 'soon', reach: 'request' })
  ledger.parked.park(place.sink, { gateway: place.gateway, selectors, range }, failure, tries)
}

function covered(ledger: Ledger, selector = lux) {
  const { final, provisional } = ledger.coverage.of(place, [selector]).get(selector)!
  return { final: final.ranges, provisional: provisional.ranges }
}

function rowsOf(path: string, sql: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

describe('coverage', () => {
  it('is empty at first, and survives closing', () => {
    const { ledger, path } = openForTest()
    expect(covered(ledger)).toEqual({ final: [], provisional: [] })
    complete(ledger, 0, minute)
    ledger.close()
    expect(covered(openForTest(path).ledger)).toEqual({ final: [{ after: 0, until: minute }], provisional: [] })
  })

  it('belongs to a sink, a gateway and a datapoint', () => {
    const { ledger } = openForTest()
    complete(ledger, 0, 10, { sink: 'another' })
    complete(ledger, 0, 20, { gateway: 'another' })
    complete(ledger, 0, 30, { selectors: [temp] })
    expect(covered(ledger).final).toEqual([])
    expect(covered(ledger, temp).final).toEqual([{ after: 0, until: 30 }])
  })

  it('follows the number of gaps: ten thousand five-minute completions in any order leave one row a month', () => {
    const { ledger, path } = openForTest()
    const step = 5 * minute
    // 3,001 is coprime to 10,000: every step once, far from in order
    for (let i = 0; i < 10_000; i++) {
      const at = ((i * 3_001) % 10_000) * step
      complete(ledger, at, at + step)
    }
    expect(covered(ledger).final).toEqual([{ after: 0, until: 10_000 * step }])
    ledger.close()
    expect(rowsOf(path, 'SELECT final, after, until FROM coverage')).toHaveLength(2)
    // receipts are for looking back and do not grow for ever
    expect(rowsOf(path, 'SELECT id FROM receipt')).toHaveLength(2_000)
  })

  it('is, after any completions, what sets of ranges say', () => {
    const anyStep = fc.record({
      after: fc.nat(50),
      length: fc.integer({ min: 1, max: 20 }),
      provisional: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 15 }), steps => {
        const ledger = openLedger(':memory:', steeredClock())
        let final = RangeSet.empty
        let provisional = RangeSet.empty
        for (const step of steps) {
          const range = { after: step.after, until: step.after + step.length }
          complete(ledger, range.after, range.until, { provisional: step.provisional })
          // final stays final, whatever is looked at again
          if (step.provisional) provisional = provisional.add(RangeSet.of(range).subtract(final))
          else {
            final = final.add(range)
            provisional = provisional.subtract(range)
          }
        }
        expect(covered(ledger)).toEqual({ final: final.ranges, provisional: provisional.ranges })
        ledger.close()
      }),
      { numRuns: runs(60) },
    )
  })

  it('becomes final from provisional at the re-read', () => {
    const { ledger } = openForTest()
    complete(ledger, 0, 100, { provisional: true })
    complete(ledger, 20, 50)
    expect(covered(ledger)).toEqual({
      final: [{ after: 20, until: 50 }],
      provisional: [
        { after: 0, until: 20 },
        { after: 50, until: 100 },
      ],
    })
  })

  it('of a wider selector counts for the narrower one, not the other way round', () => {
    const { ledger } = openForTest()
    complete(ledger, 0, 100, { selectors: [{ device: { name: 'Sensor 1' } }] })
    complete(ledger, 100, 200, { selectors: [{}], provisional: true })
    complete(ledger, 150, 300)
    expect(covered(ledger)).toEqual({
      final: [
        { after: 0, until: 100 },
        { after: 150, until: 300 },
      ],
      provisional: [{ after: 100, until: 150 }],
    })
    const elsewhere: Selector = { ...lux, device: { name: 'Sensor 2' } }
    expect(covered(ledger, elsewhere)).toEqual({ final: [], provisional: [{ after: 100, until: 200 }] })
    expect(covered(ledger, {})).toEqual({ final: [], provisional: [{ after: 100, until: 200 }] })
  })
})

describe('completing a transfer', () => {
  it('records every datapoint, the receipt and the window, or nothing at all', () => {
    const { ledger, path } = openForTest()
    park(ledger, { after: 0, until: 10 })
    const before = rowsOf(path, 'SELECT * FROM target')
    // the third datapoint cannot be stored: a range that ends before it begins breaks the table's check
    const bad = () => complete(ledger, 10, 10 - 1e-9, { selectors: [lux, temp, {}] })
    expect(bad).toThrow(Failure)
    expect(rowsOf(path, 'SELECT * FROM target')).toEqual(before)
    for (const table of ['coverage', 'receipt', 'gateway_memory'])
      expect(rowsOf(path, `SELECT * FROM ${table}`), table).toEqual([])
    expect(ledger.parked.of(place, lux)).toHaveLength(1)

    complete(ledger, 0, 10, { selectors: [lux, temp] })
    expect(covered(ledger).final).toEqual([{ after: 0, until: 10 }])
    expect(covered(ledger, temp).final).toEqual([{ after: 0, until: 10 }])
    expect(ledger.memory.windowOf('plant-a', 'all')).toBe(7)
    expect(ledger.memory.windowOf('plant-a', 'another')).toBeUndefined()
    expect(rowsOf(path, 'SELECT gateway, selectors, after, until, counts FROM receipt')).toEqual([
      {
        gateway: 'plant-a',
        selectors: 'Sensor 1/LightSensor/0/nvoLux (+1)',
        after: 0,
        until: 10,
        counts: JSON.stringify({ received: 3, written: 3 }),
      },
    ])
  })

  it('is durable: WAL with a sync at every commit', () => {
    const { ledger, path } = openForTest()
    complete(ledger, 0, 10)
    // the committed bytes are in the file or its WAL while the ledger is still open
    expect(rowsOf(path, 'SELECT after, until FROM coverage')).toEqual([{ after: 0, until: 10 }])
    expect(rowsOf(path, 'PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }])
  })
})

describe('a parked range', () => {
  it('is listed with what went wrong, and its tries add up', () => {
    const { ledger, clock } = openForTest()
    park(ledger, { after: 0, until: minute }, 3)
    clock.advance(5_000)
    park(ledger, { after: 0, until: minute }, 2)
    expect(ledger.parked.of(place, lux)).toEqual([
      {
        range: { after: 0, until: minute },
        code: 'no-end',
        reason: 'the gateway closed the socket',
        at: clock.now(),
        tries: 5,
      },
    ])
    expect(ledger.parked.of(place, temp)).toEqual([])
    expect(covered(ledger).final).toEqual([])
  })

  it('is forgotten when a request has brought it', () => {
    const { ledger } = openForTest()
    park(ledger, { after: 100, until: 200 }, 3, [lux, temp])
    complete(ledger, 0, 200)
    expect(ledger.parked.of(place, lux)).toEqual([])
    expect(ledger.parked.of(place, temp)).toHaveLength(1)
  })

  it('is forgotten when several requests have brought it piece by piece, not before', () => {
    const { ledger } = openForTest()
    park(ledger, { after: 100, until: 200 })
    complete(ledger, 0, 150)
    expect(ledger.parked.of(place, lux)).toHaveLength(1)
    complete(ledger, 150, 300, { provisional: true })
    expect(ledger.parked.of(place, lux)).toEqual([])
  })
})

describe('a file that is not a ledger of this program', () => {
  function digest(path: string): string {
    return createHash('sha256').update(readFileSync(path)).digest('hex')
  }

  function makeForeign(path: string): void {
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)')
    database.exec("INSERT INTO customers (name) VALUES ('Miller')")
    database.close()
  }

  function makeNewer(path: string): void {
    const ledger = openLedger(path, steeredClock())
    complete(ledger, 0, 10)
    ledger.close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
  }

  function makeDamaged(path: string): void {
    makeNewer(path)
    const bytes = readFileSync(path)
    bytes.fill(0x5a, 0, 64)
    writeFileSync(path, bytes)
  }

  it.each<[string, string, (path: string) => void]>([
    ['another program', 'ledger-foreign', makeForeign],
    ['a newer version', 'ledger-newer', makeNewer],
    ['a damaged disk', 'ledger-damaged', makeDamaged],
    ['a text editor', 'ledger-damaged', path => writeFileSync(path, 'gateways:\n  plant-a: {}\n'.repeat(100))],
  ])('because it is of %s is refused (%s) and left byte by byte as it was', (_, code, make) => {
    const folder = temporaryFolder()
    const path = join(folder, 'file.db')
    make(path)
    const before = digest(path)
    for (const open of [openLedger, openLedgerReadOnly]) {
      let failure: unknown
      try {
        open(path, steeredClock())
      } catch (error) {
        failure = error
      }
      expect(failure).toBeInstanceOf(Failure)
      expect(failure).toMatchObject({ code, retry: 'never', reach: 'run' })
      expect((failure as Failure).message).toContain(path)
      expect((failure as Failure).advice).toBeTruthy()
      expect(digest(path)).toBe(before)
      // who only reads a WAL database cannot clear away its companions
      expect(readdirSync(folder).filter(name => !/-(wal|shm)$/.test(name))).toEqual(['file.db'])
    }
  })
})

it('a ledger tells when all of its proof is of another database', () => {
  const { ledger } = openForTest()
  expect(ledger.coverage.provesOthersOnly(place.sink)).toBe(false)
  complete(ledger, 0, 10)
  expect(ledger.coverage.provesOthersOnly(place.sink)).toBe(false)
  expect(ledger.coverage.provesOthersOnly('sqlite:new')).toBe(true)
})

describe('parked ranges', () => {
  const failure = new Failure('cut', { code: 'no-end', retry: 'soon', reach: 'request' })
  const whole: Selector = { device: { name: 'Sensor 1' } }
  const request = (selector: Selector, after: number, until: number) => ({
    ...{ gateway: 'plant-a', selectors: [selector] as [Selector], range: { after, until } },
  })

  it('never overlap: what failed again as a whole or in pieces is listed once, with all of its tries', () => {
    const { ledger } = openForTest()
    ledger.parked.park(place.sink, request(lux, 0, 10), failure, 3)
    ledger.parked.park(place.sink, request(lux, 20, 30), failure, 3)
    ledger.parked.park(place.sink, request(lux, 5, 25), failure, 2)
    expect(ledger.parked.of(place, lux).map(({ range, tries }) => [range.after, range.until, tries])).toEqual([
      [0, 5, 3],
      [5, 25, 5],
      [25, 30, 3],
    ])
  })

  it('are parked no longer when a wider selector has covered them', () => {
    const { ledger } = openForTest()
    ledger.parked.park(place.sink, request(lux, 0, 10), failure, 3)
    complete(ledger, 0, 4, { selectors: [whole] })
    expect(ledger.parked.of(place, lux).map(({ range }) => range)).toEqual([{ after: 4, until: 10 }])
    complete(ledger, 4, 10, { selectors: [whole] })
    expect(ledger.parked.of(place, lux)).toEqual([])
  })
})

describe('a ledger opened for reading', () => {
  it('is empty where there is none yet, and creates nothing', () => {
    const folder = temporaryFolder()
    const path = join(folder, 'not', 'yet', 'ledger.db')
    const ledger = openLedgerReadOnly(path, steeredClock())
    expect(covered(ledger)).toEqual({ final: [], provisional: [] })
    ledger.close()
    expect(existsSync(join(folder, 'not'))).toBe(false)
  })

  it('sees what another has recorded while that one goes on', () => {
    const { ledger, path, clock } = openForTest()
    ledger.owner.take('backfill')
    complete(ledger, 0, 10)
    const reader = openLedgerReadOnly(path, clock)
    expect(covered(reader).final).toEqual([{ after: 0, until: 10 }])
    complete(ledger, 10, 20)
    expect(covered(reader).final).toEqual([{ after: 0, until: 20 }])
    expect(() => complete(reader, 20, 30)).toThrow(Failure)
    reader.close()
    reader.close()
  })

  it('a file that another process is just creating reads as an empty ledger', () => {
    const path = join(temporaryFolder(), 'ledger.db')
    writeFileSync(path, '')
    const reader = openLedgerReadOnly(path, steeredClock())
    expect(reader.owner.text()).toBeUndefined()
    reader.close()
    // between the first statement and the commit of the one that creates it
    const creating = new DatabaseSync(path)
    creating.exec('BEGIN IMMEDIATE; CREATE TABLE half (a)')
    const meanwhile = openLedgerReadOnly(path, steeredClock())
    expect(meanwhile.coverage.selectors(place)).toEqual([])
    meanwhile.close()
    creating.close()
  })
})
