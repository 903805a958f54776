import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock, ClockReading } from '../domain/clock.ts'
import type { Coverage, SinkGateway } from '../domain/coverage.ts'
import { isWide, type Selector, selectorContains, selectorKey } from '../domain/datapoint.ts'
import type { Failure } from '../domain/failure.ts'
import type { Series } from '../domain/point.ts'
import type { RangeSet } from '../domain/range.ts'
import type { Counts, PastTransfer, Receipt } from '../domain/receipt.ts'
import type { Remarked } from '../domain/remark.ts'
import type { DataLogRequest } from '../domain/request.ts'
import type { FormedRule } from '../domain/rule-form.ts'
import { type Activity, createActivities } from './activity.ts'
import { compactionSpanOf } from './compaction.ts'
import { createCoverage } from './coverage.ts'
import { createCoverageSeries } from './coverage-series.ts'
import { ledgerFailure, openLedgerFile, openLedgerForReading } from './file.ts'
import { createMarks } from './marks.ts'
import { createMemory } from './memory.ts'
import { createNames } from './names.ts'
import { type Ownership, ownerText, takeOwnership, watchOwner } from './owner.ts'
import { createParked, type ParkedRange } from './parked.ts'
import type { Claim, Proof } from './proof.ts'
import { createReceipts } from './receipts.ts'
import { createRestatement } from './restatement.ts'
import { createTransaction, guardStatements } from './statements.ts'
import { createTargetRules } from './target-rules.ts'
import { createTargets } from './targets.ts'
import { createValueTypePins } from './value-type-pins.ts'

interface CompletedTransfer {
  readonly sink: string
  readonly request: DataLogRequest
  readonly provisional: boolean
  readonly receipt: Receipt
  /** Distinct points acknowledged, for each selector of the request in its order, where that is known. */
  readonly points: readonly (number | undefined)[]
  /** What else was counted for each selector, in the same order. */
  readonly counts?: readonly Counts[] | undefined
  /** The series that the points of each selector went to, in the same order. */
  readonly series?: readonly (readonly Series[])[] | undefined
  /** The gateway's clock when the transfer ended, and what it went through: see `ClockPremise`. */
  readonly clock?: ClockPremise | undefined
  /** Whether the gateway's list has the name, as last read; undefined: every name is taken for listed. */
  readonly isListed?: ((selector: Selector) => boolean) | undefined
  /** What the points of a selector are made by; undefined: not known. */
  readonly rulesFor?: ((selector: Selector) => readonly FormedRule[]) | undefined
  /** How long the database keeps points, ms; undefined: for ever, or not known. */
  readonly keptMs?: number | undefined
  /** What a person should know of the values; noted once they are final. */
  readonly remarks?: readonly Remarked[] | undefined
  /** The window of the group that the request was cut from, for next time. */
  readonly window?: { readonly group: string; readonly ms: number } | undefined
}

/** The memory of what is proven complete. Any trouble with it throws a Failure of reach `run`. */
export type Ledger = ReturnType<typeof createLedger>

/** What a proof says of the clock that it goes by (law 14). */
interface ClockPremise {
  /** When the transfer ended. */
  readonly reading: ClockReading
  /** What the gateway's clock went through from the last recorded reading to the start of the transfer. */
  readonly before: RangeSet
  /** And from there to its end. Where any of the range itself is among it, that part is not proven. */
  readonly during: RangeSet
  /** The newest entry that the transfer received, ms UTC. */
  readonly newestEntry: number | undefined
}

export function openLedger(path: string, clock: Clock): Ledger {
  return createLedger(openLedgerFile(path), path, clock)
}

/** Changes nothing and waits for no other process; a ledger that does not exist yet is an empty one. */
export function openLedgerReadOnly(path: string, clock: Clock): Ledger {
  return createLedger(existsSync(path) ? openLedgerForReading(path) : openLedgerFile(':memory:'), path, clock)
}

function createLedger(database: DatabaseSync, path: string, clock: Clock) {
  let ownership: Ownership | undefined
  const statements = guardStatements(database, path)
  const transaction = createTransaction(database, path, () => ownership?.confirm())
  const targets = createTargets(statements)
  const coverageRows = createCoverage(statements, targets)
  const coverageSeries = createCoverageSeries(statements)
  const parkedRows = createParked(statements)
  const receiptRows = createReceipts(statements)
  const activities = createActivities(statements)
  const memory = createMemory(statements, transaction)
  const names = createNames(statements, { targets, coverageRows }, transaction)
  const rules = createTargetRules(
    statements,
    { targets, coverageRows, coverageSeries, memory },
    { transaction, now: () => clock.now() },
  )
  const marks = createMarks(statements, { targets, coverageRows, coverageSeries }, transaction)

  function guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw ledgerFailure(error, path)
    }
  }

  /** Points that can be counted later are those of one measurement. */
  function noteSample(sink: string, target: number, { range, points }: Proof, series: readonly Series[]): void {
    const [measurement, ...others] = new Set(series.map(one => one.measurement))
    if (measurement === undefined || others.length > 0 || points === undefined || points === 0) return
    marks.within.noteSample(sink, { measurement, target, range, points })
  }

  /** Records what a transfer proves of one selector of its request. */
  function cover(completed: CompletedTransfer, i: number): void {
    const { sink, request, provisional, points, counts, series, isListed, rulesFor, keptMs } = completed
    const { gateway, range } = request
    const selector = request.selectors[i]!
    const proof = { range, points: points[i], counts: counts?.[i] }
    // an empty answer to a name that the gateway does not list proves nothing
    if (proof.counts?.received === 0 && isListed?.(selector) === false) return
    const target = targets.ensure({ sink, gateway }, selector)
    if (rulesFor !== undefined) rules.within.note(target, () => rulesFor(selector))
    names.within.note(target, proof)
    const reread = coverageRows.cover(target, proof, provisional, compactionSpanOf(keptMs))
    coverageSeries.note(target, series?.[i] ?? [])
    marks.within.note(sink, target, range)
    noteSample(sink, target, proof, series?.[i] ?? [])
    if (reread !== undefined) memory.within.noteReread(gateway, reread)
    parkedRows.unpark(target, range, () => coverageRows.coveredBy(target))
  }

  /** The last sign of an owner that was watched and gave no other. */
  let silent: string | undefined
  const owner = {
    /** Before `take`: finds out whether an owner lives whose heartbeat is later than now, which takes half a minute. */
    async watch(): Promise<void> {
      try {
        silent = await watchOwner(database, clock)
      } catch (error) {
        throw ledgerFailure(error, path)
      }
    },
    /** Before any change: only one process at a time may write. Reading needs no ownership. */
    take(doing: string): void {
      ownership = guard(() => takeOwnership(database, doing, { clock, silent }))
      activities.clear()
    },
    /** The process that owns the ledger now: `sync, pid 12 on box`. */
    text: (): string | undefined => guard(() => ownerText(database, clock)),
  }

  const activity = {
    /** What the owner does, by gateway; empty where there is no owner. */
    all: (): Activity[] => (owner.text() === undefined ? [] : activities.all()),
    note: (noted: Activity): void => activities.note(noted),
  }

  const coverage = {
    of: (place: SinkGateway, selectors: readonly Selector[]): Map<Selector, Coverage> =>
      coverageRows.of(place, selectors),
    /** Selectors of a gateway that were fetched once, whether they are still wanted or not. */
    selectors: (place: SinkGateway): Selector[] => targets.all(place).map(({ selector }) => selector),
    /** Whether any point of this selector itself was ever written. */
    hasContent(place: SinkGateway, selector: Selector): boolean {
      const target = targets.find(place, selector)
      return target !== undefined && coverageSeries.has(target)
    },
    /** Gateways of which anything was ever covered in a sink, whether they are configured or not. */
    gateways: (sink: string): string[] => targets.gateways(sink),
    /** True where all that is proven is proven of other databases: this one is new, or stands in the place of another. */
    provesOthersOnly(sink: string): boolean {
      const known = coverageRows.sinks()
      return known.length > 0 && !known.includes(sink)
    },
    /**
     * Records a reading of a gateway's clock, and takes back what is proven of the time that the clock went through
     * again, for every selector and sink. True if there was any.
     */
    heedClock(gateway: string, reading: ClockReading, lived: RangeSet): boolean {
      let isAny = false
      if (coverageRows.mayProve(gateway, lived))
        transaction(() => {
          isAny = coverageRows.takeBack(gateway, lived)
          memory.within.noteClock(gateway, reading)
        })
      return isAny
    },
  }

  const proofs = {
    /** The final rows of a selector, which verify compares with the database. */
    of(place: SinkGateway, selector: Selector): Proof[] {
      const target = targets.find(place, selector)
      return target === undefined ? [] : coverageRows.proofs(target)
    },
    /** What counts for these selectors: their own rows, and those of wider ones that hold them. */
    claims(place: SinkGateway, selectors: readonly Selector[]): Claim[] {
      const keys = new Set(selectors.map(selectorKey))
      const counts = (known: Selector) =>
        keys.has(selectorKey(known)) || (isWide(known) && selectors.some(selector => selectorContains(known, selector)))
      return targets
        .all(place)
        .filter(({ selector }) => counts(selector))
        .map(({ id, selector }) => ({
          selector,
          proofs: coverageRows.proofs(id),
          series: coverageSeries.of(id),
        }))
    },
    /** Replaces the count and the series of a final row; its range stays proven complete. */
    restate(place: SinkGateway, selector: Selector, { range, points }: Proof, series: readonly Series[]): void {
      transaction(() => {
        const target = targets.ensure(place, selector)
        coverageRows.recount(target, 1, range, points)
        coverageSeries.note(target, series)
        marks.within.note(place.sink, target, range)
      })
    },
    /** For points that are added to ranges that are covered already. */
    restatement: (place: SinkGateway) =>
      createRestatement(place, { targets, coverageRows, coverageSeries, marks: marks.within }, transaction),
  }

  const parked = {
    /** Without what a wider selector has covered since. */
    of(place: SinkGateway, selector: Selector): ParkedRange[] {
      const target = targets.find(place, selector)
      const rows = target === undefined ? [] : parkedRows.of(target)
      if (rows.length === 0) return rows
      const { final, provisional } = coverage.of(place, [selector]).get(selector)!
      const covered = final.add(provisional)
      return rows.flatMap(row => covered.gaps(row.range).map(range => ({ ...row, range })))
    },
    park(sink: string, { gateway, selectors, range }: DataLogRequest, failure: Failure, tries: number): void {
      transaction(() => {
        for (const selector of selectors)
          parkedRows.park(targets.ensure({ sink, gateway }, selector), range, failure, clock.now(), tries)
      })
    },
  }

  return {
    coverage,
    proofs,
    names,
    parked,
    rules,
    /** The newest transfers of a gateway, for estimates of the next ones. */
    receipts: { newest: (place: SinkGateway, most: number): PastTransfer[] => receiptRows.newest(place, most) },
    pins: { of: (place: SinkGateway) => createValueTypePins(statements, place, transaction) },
    memory,
    marks,
    owner,
    activity,
    transaction,
    /** One durable transaction: all that the transfer proves, or nothing (law 2). */
    complete(completed: CompletedTransfer): void {
      const { sink, request, provisional, receipt, window, clock: premise } = completed
      const { gateway, selectors, range } = request
      transaction(() => {
        if (premise !== undefined) coverageRows.takeBack(gateway, premise.before)
        for (const i of selectors.keys()) cover(completed, i)
        coverageRows.provesUntil(gateway, range.until)
        receiptRows.add(sink, request, provisional, receipt, clock.now())
        if (premise !== undefined) {
          coverageRows.takeBack(gateway, premise.during)
          memory.within.noteClock(gateway, premise.reading, premise.newestEntry)
        }
        if (!provisional) memory.within.noteRemarks(gateway, completed.remarks ?? [])
        if (window !== undefined) memory.within.noteWindow(gateway, window.group, window.ms)
      })
    },
    close(): void {
      if (!database.isOpen) return
      ownership?.release()
      database.close()
    },
  }
}
