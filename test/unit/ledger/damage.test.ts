import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { backUpLedger } from '../../../src/ledger/backup.ts'
import { type Ledger, openLedger, openLedgerReadOnly } from '../../../src/ledger/ledger.ts'
import { createRandom } from '../../../src/simulator/random.ts'
import { makeSeries } from '../../support/points.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const place = { sink: 's', gateway: 'plant-a' }
const selectors = Array.from(
  { length: 300 },
  (_, i): Selector => ({ device: { name: `Sensor ${i}` }, block: 'LightSensor', index: 0, point: { name: 'nvoLux' } }),
)

function fill(ledger: Ledger, until: number): void {
  ledger.complete({
    sink: place.sink,
    request: { gateway: place.gateway, selectors: [selectors[0]!, ...selectors.slice(1)], range: { after: 0, until } },
    provisional: false,
    receipt: emptyReceipt(),
    points: selectors.map(() => 1),
    series: selectors.map((_, i) => [makeSeries({ device: `Sensor ${i}` })]),
  })
}

function filled(): string {
  const path = join(temporaryFolder(), 'ledger.db')
  const ledger = openLedger(path, steeredClock())
  fill(ledger, 1_000)
  ledger.close()
  return path
}

/** Changes so many bytes within a part of a file. */
function flip(path: string, count: number, from: number, until: number, seed: number): void {
  const random = createRandom(seed)
  const bytes = readFileSync(path)
  for (let i = 0; i < count; i++) bytes[from + Math.floor(random() * (until - from))]! ^= 1 + Math.floor(random() * 255)
  writeFileSync(path, bytes)
}

function openingOf(path: string): (Failure | undefined)[] {
  return [openLedger, openLedgerReadOnly].map(open => {
    try {
      const ledger = open(path, steeredClock())
      ledger.coverage.of(place, selectors)
      ledger.close()
      return undefined
    } catch (error) {
      expect(error).toBeInstanceOf(Failure)
      return error as Failure
    }
  })
}

describe('a damaged ledger', () => {
  it.each([1, 2, 3, 4, 5, 6])('is found when it is opened, and reported with the way back (%i)', seed => {
    const path = filled()
    flip(path, 200, 4_096, statSync(path).size, seed)
    for (const failure of openingOf(path)) {
      expect(failure).toMatchObject({ code: 'ledger-damaged', reach: 'run' })
      expect(failure?.advice).toContain('backup')
    }
  })

  it('in its header is never taken for the file of another program', () => {
    const whole = filled()
    for (let at = 0; at < 100; at++) {
      const path = join(temporaryFolder(), 'ledger.db')
      copyFileSync(whole, path)
      const bytes = readFileSync(path)
      bytes[at]! ^= 0xff
      writeFileSync(path, bytes)
      for (const failure of openingOf(path))
        expect(failure?.code ?? 'ledger-damaged', `byte ${at}`).toBe('ledger-damaged')
    }
  })

  it('that is cut off is found', () => {
    const path = filled()
    writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size - 20_000))
    for (const failure of openingOf(path)) expect(failure?.code).toBe('ledger-damaged')
  })

  it('whose tables are gone is found', () => {
    const path = filled()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA foreign_keys = OFF; DROP TABLE receipt; PRAGMA user_version = 3')
    database.close()
    expect(openingOf(path)[0]?.code).toBe('ledger-damaged')
  })

  it('in its write-ahead log is as it was before, or is found', () => {
    for (let seed = 1; seed < 12; seed++) {
      const path = join(temporaryFolder(), 'ledger.db')
      const ledger = openLedger(path, steeredClock())
      onTestFinished(() => ledger.close())
      fill(ledger, 1_000)
      fill(ledger, 2_000)
      const copy = join(temporaryFolder(), 'ledger.db')
      copyFileSync(path, copy)
      copyFileSync(`${path}-wal`, `${copy}-wal`)
      flip(`${copy}-wal`, 20, 0, statSync(`${copy}-wal`).size, seed)
      try {
        const opened = openLedger(copy, steeredClock())
        const untils = [...opened.coverage.of(place, selectors).values()].map(({ final }) => final.length)
        // all of a transfer or nothing of it
        expect(new Set(untils).size).toBe(1)
        expect([0, 1_000, 2_000]).toContain(untils[0])
        opened.close()
      } catch (error) {
        expect(error).toMatchObject({ code: 'ledger-damaged' })
      }
    }
  })

  it('stays as it is', () => {
    const path = filled()
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(4_096, 0xff), 0, 4_096, 8_192)
    closeSync(file)
    const before = readFileSync(path)
    openingOf(path)
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})

describe('a backup', () => {
  it('is made while another process writes, holds all of it, and replaces no file', () => {
    const path = join(temporaryFolder(), 'ledger.db')
    const copy = join(temporaryFolder(), 'copy.db')
    const ledger = openLedger(path, steeredClock())
    onTestFinished(() => ledger.close())
    ledger.owner.take('sync')
    fill(ledger, 1_000)
    backUpLedger(path, copy)
    fill(ledger, 2_000)
    expect(readdirSync(dirname(copy))).toEqual(['copy.db'])
    const read = openLedgerReadOnly(copy, steeredClock())
    expect(read.coverage.of(place, selectors).get(selectors[0]!)!.final.length).toBe(1_000)
    read.close()
    expect(() => backUpLedger(path, copy)).toThrow(expect.objectContaining({ code: 'backup-exists' }))
    expect(() => backUpLedger(path, '/proc/nowhere/copy.db')).toThrow(Failure)
    expect(() => backUpLedger(`${path}.none`, `${copy}.2`)).toThrow(expect.objectContaining({ code: 'ledger-missing' }))
    expect(readdirSync(dirname(copy))).toEqual(['copy.db'])
  })

  it('is not made of a damaged ledger', () => {
    const path = filled()
    flip(path, 200, 4_096, statSync(path).size, 1)
    const copy = join(temporaryFolder(), 'copy.db')
    expect(() => backUpLedger(path, copy)).toThrow(expect.objectContaining({ code: 'ledger-damaged' }))
    expect(readdirSync(dirname(copy))).toEqual([])
  })
})
