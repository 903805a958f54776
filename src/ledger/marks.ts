import { randomUUID } from 'node:crypto'
import { selectorLabel } from '../domain/datapoint.ts'
import type { Series } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import type { CoverageRows } from './coverage.ts'
import type { CoverageSeries } from './coverage-series.ts'
import { createRangeRows } from './range-rows.ts'
import type { Statements, Transaction } from './statements.ts'
import type { Targets } from './targets.ts'

/** What the ledger knows of the mark that a database bears (law 14). */
export interface KnownMark {
  /** Names the mark in the database: several ledgers may write to one. */
  readonly id: string
  /** The highest that was written; 0: none. */
  readonly number: number
  /** When it was written, ms UTC. */
  readonly at: number
  /** False: it was never read back, so that it says nothing where it is missing. */
  readonly isSeen: boolean
  /** What the server reported of itself then. */
  readonly identity: Readonly<Record<string, string>>
}

/** A transfer whose points can be counted, to see whether the database still holds what was recorded last. */
export interface PointSample {
  readonly measurement: string
  /** The datapoint. */
  readonly label: string
  readonly target: number
  /** All series that its points went to. */
  readonly series: readonly Series[]
  readonly range: TimeRange
  readonly points: number
  /** It was recorded before the mark of this number was written. */
  readonly number: number
  /** True: the database was once seen to hold it. */
  readonly isConfirmed: boolean
}

/** What a database has lost, as far as is known. `since`: all that was recorded after the mark of this number. */
export type Loss = 'all' | { readonly since: number } | { readonly measurement: string }

/** So many of the newest numbers are kept apart; the further back, the more of them are taken for one. */
const exactNumbers = 8

/**
 * The marks that databases bear. What is recorded between two marks gets the number of the second one: a database that bears
 * the first one, and not the second, is a copy that may lack it.
 */
export function createMarks(
  database: Statements,
  {
    targets,
    coverageRows,
    coverageSeries,
  }: { targets: Targets; coverageRows: CoverageRows; coverageSeries: CoverageSeries },
  transaction: Transaction,
) {
  const find = database.prepare('SELECT id, number, at, seen, identity FROM database_mark WHERE sink = ?')
  const others = database.prepare('SELECT sink FROM database_mark WHERE sink <> ? AND number > 0 ORDER BY at DESC')
  const put = database.prepare(
    'INSERT OR REPLACE INTO database_mark (sink, id, number, at, seen, identity) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const numbers = database.prepare(
    'SELECT DISTINCT number FROM recent JOIN target ON target.id = recent.target WHERE sink = ? ORDER BY number',
  )
  const since = database.prepare(
    'SELECT 1 FROM recent JOIN target ON target.id = recent.target WHERE sink = ? AND number > ? LIMIT 1',
  )
  const proven = database.prepare(
    'SELECT 1 FROM coverage JOIN target ON target.id = coverage.target WHERE sink = ? LIMIT 1',
  )
  const targetsAt = database.prepare(
    'SELECT DISTINCT target FROM recent JOIN target ON target.id = recent.target WHERE sink = ? AND number = ?',
  )
  const recent = createRangeRows(database, 'recent', ['target', 'number'])
  const samples = database.prepare(
    'SELECT measurement, confirmed, target, after, until, points, number FROM point_sample WHERE sink = ? ORDER BY measurement, confirmed',
  )
  const putSample = database.prepare(
    'INSERT OR REPLACE INTO point_sample (sink, measurement, confirmed, target, after, until, points, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const removeSamples = database.prepare(
    'DELETE FROM point_sample WHERE sink = ?1 AND (?2 IS NULL OR measurement = ?2) AND number > ?3',
  )
  const ofMeasurement = database.prepare(
    'SELECT DISTINCT target FROM content JOIN series ON series.id = content.series JOIN target ON target.id = content.target WHERE sink = ? AND measurement = ?',
  )
  const forget = database.prepare('DELETE FROM recent WHERE target = ?')
  const moved = ['target', 'receipt', 'pin', 'database_mark', 'point_sample'].map(table =>
    database.prepare(`UPDATE OR REPLACE ${table} SET sink = ? WHERE sink = ?`),
  )
  /** Of each sink the number that what is recorded now gets, where that is higher than what is written follows. */
  const next = new Map<string, number>()

  function of(sink: string): KnownMark | undefined {
    const row = find.get(sink)
    return (
      row && {
        id: String(row['id']),
        number: Number(row['number']),
        at: Number(row['at']),
        isSeen: row['seen'] === 1,
        identity: JSON.parse(String(row['identity'])) as Record<string, string>,
      }
    )
  }

  function keep(sink: string, { id, number, at, isSeen, identity }: KnownMark): void {
    put.run(sink, id, number, at, Number(isSeen), JSON.stringify(identity))
  }

  function nextOf(sink: string, { number }: KnownMark): number {
    return Math.max(next.get(sink) ?? 0, number + 1)
  }

  /** What is long ago is kept by fewer numbers: a little more is then taken back than was recorded after a mark. */
  function thin(sink: string, newest: number): void {
    for (const row of numbers.all(sink)) {
      const number = Number(row['number'])
      const age = newest - number
      const step = age < exactNumbers ? 1 : 2 ** Math.floor(Math.log2(age / exactNumbers))
      const later = Math.ceil(number / step) * step
      if (later === number) continue
      for (const { target } of targetsAt.all(sink, number)) {
        for (const range of recent.of(Number(target), number).ranges) recent.add(range, Number(target), later)
        recent.clear(Number(target), number)
      }
    }
  }

  function takeBack(sink: string, loss: Loss): void {
    if (loss === 'all') {
      for (const target of targets.ofSink(sink)) {
        coverageRows.uncoverAll(target)
        forget.run(target)
      }
      removeSamples.run(sink, null, 0)
    } else if ('measurement' in loss) {
      for (const { target } of ofMeasurement.all(sink, loss.measurement)) coverageRows.uncoverAll(Number(target))
      removeSamples.run(sink, loss.measurement, 0)
    } else {
      for (const row of numbers.all(sink)) {
        const number = Number(row['number'])
        if (number <= loss.since) continue
        for (const { target } of targetsAt.all(sink, number)) {
          coverageRows.uncover(Number(target), recent.of(Number(target), number))
          recent.clear(Number(target), number)
        }
      }
      removeSamples.run(sink, null, loss.since)
    }
  }

  return {
    of,
    /** Sinks other than this one whose mark was written, the newest first. */
    others: (sink: string): string[] => others.all(sink).map(row => String(row['sink'])),
    samples: (sink: string): PointSample[] =>
      samples.all(sink).map(row => ({
        measurement: String(row['measurement']),
        label: selectorLabel(targets.selectorOf(Number(row['target']))),
        target: Number(row['target']),
        series: coverageSeries.of(Number(row['target'])),
        range: { after: Number(row['after']), until: Number(row['until']) },
        points: Number(row['points']),
        number: Number(row['number']),
        isConfirmed: row['confirmed'] === 1,
      })),
    /** True where anything is proven of a sink. */
    provesAny: (sink: string): boolean => proven.get(sink) !== undefined,
    /** True where anything was recorded after the mark of this number. */
    hasSince: (sink: string, number: number): boolean => since.get(sink, number) !== undefined,
    /** The database was seen to hold them. */
    confirm(sink: string, held: readonly PointSample[]): void {
      transaction(() => {
        for (const { measurement, target, range, points, number } of held)
          putSample.run(sink, measurement, 1, target, range.after, range.until, points, number)
      })
    },
    /**
     * The mark to write next. What is recorded from now on may not be in a database that bears it. `borne`: the number that
     * the database bears, where the ledger is an older copy.
     */
    begin(sink: string, borne = 0): { readonly id: string; readonly number: number } {
      const known = of(sink) ?? { id: randomUUID(), number: 0, at: 0, isSeen: false, identity: {} }
      const number = Math.max(nextOf(sink, known), borne + 1)
      if (known.number === 0) transaction(() => keep(sink, known))
      next.set(sink, number + 1)
      return { id: known.id, number }
    },
    /** The database bears the mark, durably. */
    written(sink: string, mark: Omit<KnownMark, 'id'>): void {
      transaction(() => {
        const { id } = of(sink)!
        keep(sink, { ...mark, id })
        thin(sink, mark.number)
      })
    },
    /** Takes back what the database has lost, so that it is fetched again. A database that has lost all gets a mark of another name. */
    lost(sink: string, loss: Loss): void {
      transaction(() => {
        takeBack(sink, loss)
        if (loss === 'all') keep(sink, { id: randomUUID(), number: 0, at: 0, isSeen: false, identity: {} })
      })
    },
    /** The database of one sink is met at another address: all that is known of it goes with it. */
    move(from: string, to: string): void {
      transaction(() => {
        for (const statement of moved) statement.run(to, from)
      })
    },
    /** Plain statements: the transaction is the caller's. */
    within: {
      note(sink: string, target: number, range: TimeRange): void {
        const known = of(sink)
        if (known !== undefined) recent.add(range, target, nextOf(sink, known))
      },
      noteSample(sink: string, sample: Pick<PointSample, 'measurement' | 'target' | 'range' | 'points'>): void {
        const known = of(sink)
        if (known === undefined) return
        const { measurement, target, range, points } = sample
        putSample.run(sink, measurement, 0, target, range.after, range.until, points, nextOf(sink, known))
      },
    },
  }
}

export type Marks = ReturnType<typeof createMarks>
