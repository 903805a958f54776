import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../domain/clock.ts'
import type { Coverage } from '../domain/coverage.ts'
import { type Selector, selectorContains } from '../domain/datapoint.ts'
import type { Failure } from '../domain/failure.ts'
import type { Series } from '../domain/point.ts'
import type { TimeRange } from '../domain/range.ts'
import type { Counts, Receipt } from '../domain/receipt.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { type Activity, createActivities } from './activity.ts'
import { type Amendments, openAmendments } from './amendments.ts'
import { createClocks } from './clocks.ts'
import { type Contents, createContents } from './contents.ts'
import { ledgerFailure, openLedgerFile, openLedgerForReading } from './file.ts'
import { type Ownership, ownerText, takeOwnership } from './owner.ts'
import { createParked, type ParkedRange } from './parked.ts'
import { type KeptPins, openPins } from './pins.ts'
import { createReceipts, type PastTransfer } from './receipts.ts'
import { createRetentions, type ToldRetentions } from './retentions.ts'
import { type Claim, createTargets, type Place, type Proof, type SecondLook, type Targets } from './targets.ts'

export interface CompletedTransfer {
  readonly sink: string
  readonly request: DataLogRequest
  readonly provisional: boolean
  readonly receipt: Receipt
  /** Distinct points acknowledged, for each selector of the request in its order, where that is known. */
  readonly points: readonly (number | undefined)[]
  /** What else was counted for each of them, likewise. */
  readonly counts?: readonly Counts[]
  /** The series they went to, likewise. */
  readonly series?: readonly (readonly Series[])[]
  /** The gateway's clock now, ms UTC. */
  readonly gatewayNow?: number
  /** The window of the group that the request was cut from, for next time. */
  readonly window?: { readonly group: string; readonly ms: number }
}

export interface SecondLooks {
  readonly looks: number
  readonly points: number
  readonly late: number
}

/** How the datapoints of a device are best asked for: together, or one by one. */
export type Width = 'wide' | 'narrow' | 'always wide'

/** The memory of what is proven complete. Any trouble with it throws a Failure of reach `run`. */
export class Ledger {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #clock: Clock
  readonly #targets: Targets
  readonly #activities: ReturnType<typeof createActivities>
  readonly #contents: Contents
  readonly #clocks: ReturnType<typeof createClocks>
  readonly #parked: ReturnType<typeof createParked>
  readonly #receipts: ReturnType<typeof createReceipts>
  readonly #retentions: ReturnType<typeof createRetentions>
  #ownership: Ownership | undefined

  private constructor(database: DatabaseSync, path: string, clock: Clock) {
    this.#database = database
    this.#path = path
    this.#clock = clock
    this.#targets = createTargets(database)
    this.#activities = createActivities(database)
    this.#contents = createContents(database)
    this.#clocks = createClocks(database)
    this.#parked = createParked(database)
    this.#receipts = createReceipts(database)
    this.#retentions = createRetentions(database)
  }

  static open(path: string, clock: Clock): Ledger {
    return new Ledger(openLedgerFile(path), path, clock)
  }

  /** Changes nothing and disturbs nobody; a ledger that does not exist yet is an empty one. */
  static openForReading(path: string, clock: Clock): Ledger {
    const database = existsSync(path) ? openLedgerForReading(path) : openLedgerFile(':memory:')
    return new Ledger(database, path, clock)
  }

  /** Before any change: only one process at a time may write. Reading needs no ownership. */
  own(doing: string): void {
    this.#ownership = this.#guard(() => takeOwnership(this.#database, doing, this.#clock))
    this.#guard(() => this.#activities.clear())
  }

  /** Who has the ledger now: `sync, pid 12 on box`. */
  owner(): string | undefined {
    return this.#guard(() => ownerText(this.#database, this.#clock))
  }

  /** What the owner does, gateway by gateway; empty where there is none. */
  activities(): Activity[] {
    return this.owner() === undefined ? [] : this.#guard(() => this.#activities.all())
  }

  noteActivity(activity: Activity): void {
    this.#guard(() => this.#activities.note(activity))
  }

  /** Of each gateway: how often fresh ranges were looked at twice, and what only the second look has found. */
  secondLooks(): Map<string, SecondLooks> {
    const rows = this.#guard(() => this.#sql('SELECT gateway, looks, points, late FROM second_look').all())
    return new Map(
      rows.map(row => [
        String(row['gateway']),
        { looks: Number(row['looks']), points: Number(row['points']), late: Number(row['late']) },
      ]),
    )
  }

  /** Selectors of a gateway that were fetched once, whether they are still wanted or not. */
  selectors(place: Place): Selector[] {
    return this.#guard(() => this.#targets.selectors(place))
  }

  coverage(place: Place, selectors: readonly Selector[]): Map<Selector, Coverage> {
    return this.#guard(() => this.#targets.coverage(place, selectors))
  }

  /** Whether anything has ever come of this selector itself. */
  hasContent(place: Place, selector: Selector): boolean {
    return this.#guard(() => {
      const target = this.#targets.find(place, selector)
      return target !== undefined && this.#contents.has(target)
    })
  }

  /** What verify holds against the database. */
  proofs(place: Place, selector: Selector): Proof[] {
    return this.#guard(() => this.#targets.proofs(place, selector))
  }

  /** What counts for these selectors: their own rows, and those of wider ones that hold them. */
  claims(place: Place, selectors: readonly Selector[]): Claim[] {
    return this.#guard(() =>
      this.#targets
        .all(place)
        .filter(target => selectors.some(selector => selectorContains(target.selector, selector)))
        .map(({ id, selector }) => ({
          selector,
          proofs: this.#targets.proofs(place, selector),
          series: this.#contents.of(id),
        })),
    )
  }

  /** Says anew how many points a final row stands for, and of which series; its range stays proven complete. */
  restate(place: Place, selector: Selector, { range, points }: Proof, series: readonly Series[]): void {
    this.#transaction(() => {
      const target = this.#targets.idOf(place, selector)
      this.#targets.recount(target, 1, range, points)
      this.#contents.note(target, series)
    })
  }

  /** Gateways of which anything was ever covered in a sink, whether they are configured or not. */
  gateways(sink: string): string[] {
    const rows = this.#guard(() => this.#sql('SELECT DISTINCT gateway FROM target WHERE sink = ?').all(sink))
    return rows.map(row => String(row['gateway'])).sort()
  }

  /** True where all that is proven is proven of other databases: this one is new, or stands in the place of another. */
  provesOthersOnly(sink: string): boolean {
    const known = this.#guard(() => this.#targets.sinks())
    return known.length > 0 && !known.includes(sink)
  }

  /** How a gateway's clock stood beside this host's when a transfer was last recorded. */
  clockOf(gateway: string): { readonly host: number; readonly gateway: number } | undefined {
    return this.#guard(() => this.#clocks.of(gateway))
  }

  /** Takes back all proof of a gateway after a moment, for every selector and sink. True if there was any. */
  uncoverAfter(gateway: string, after: number, gatewayNow: number): boolean {
    let any = false
    this.#transaction(() => {
      for (const id of this.#targets.ofGateway(gateway)) {
        const newest = this.#targets.coveredBy(id).ranges.at(-1)
        if (newest === undefined || newest.until <= after) continue
        any = true
        this.#targets.uncover(id, { after, until: newest.until })
      }
      this.#clocks.note(gateway, this.#clock.now(), gatewayNow)
    })
    return any
  }

  /** Takes the proof of a range back, so that it is fetched again. */
  uncover(place: Place, selector: Selector, range: TimeRange): void {
    this.#transaction(() => this.#targets.uncover(this.#targets.idOf(place, selector), range))
  }

  /** One durable transaction: all that the transfer proves, or nothing (law 2). */
  complete(completed: CompletedTransfer): void {
    const { sink, request, provisional, receipt, points, counts, series, window, gatewayNow } = completed
    const { gateway, selectors, range } = request
    this.#transaction(() => {
      for (const [i, selector] of selectors.entries()) {
        const target = this.#targets.idOf({ sink, gateway }, selector)
        const second = this.#targets.cover(target, { range, points: points[i], counts: counts?.[i] }, provisional)
        this.#contents.note(target, series?.[i] ?? [])
        if (second !== undefined) this.#noteSecondLook(gateway, second)
        this.#parked.unpark(target, range, () => this.#targets.coveredBy(target))
      }
      this.#receipts.add(sink, request, provisional, receipt, this.#clock.now())
      if (gatewayNow !== undefined) this.#clocks.note(gateway, this.#clock.now(), gatewayNow)
      if (window !== undefined)
        this.#sql('INSERT OR REPLACE INTO window (gateway, grp, ms) VALUES (?, ?, ?)').run(
          gateway,
          window.group,
          window.ms,
        )
    })
  }

  park(sink: string, { gateway, selectors, range }: DataLogRequest, failure: Failure, tries: number): void {
    this.#transaction(() => {
      for (const selector of selectors) {
        const target = this.#targets.idOf({ sink, gateway }, selector)
        this.#parked.park(target, range, failure, this.#clock.now(), tries)
      }
    })
  }

  #noteSecondLook(gateway: string, { points, late }: SecondLook): void {
    this.#sql(
      'INSERT INTO second_look (gateway, looks, points, late) VALUES (?, 1, ?, ?) ON CONFLICT DO UPDATE SET looks = looks + 1, points = points + excluded.points, late = late + excluded.late',
    ).run(gateway, points, late)
  }

  /** Without what a wider selector has covered since. */
  parked(place: Place, selector: Selector): ParkedRange[] {
    const rows = this.#guard(() => {
      const target = this.#targets.find(place, selector)
      return target === undefined ? [] : this.#parked.of(target)
    })
    if (rows.length === 0) return rows
    const { final, provisional } = this.coverage(place, [selector]).get(selector)!
    const covered = final.add(provisional)
    return rows.flatMap(row => covered.gaps(row.range).map(range => ({ ...row, range })))
  }

  /** The newest transfers of a gateway, for estimates of the next ones. */
  receipts(place: Place, most: number): PastTransfer[] {
    return this.#guard(() => this.#receipts.newest(place, most))
  }

  /** For how long a gateway keeps its log, as it told a run; undefined: never. */
  retentions(gateway: string): ToldRetentions | undefined {
    return this.#guard(() => this.#retentions.of(gateway))
  }

  noteRetentions(gateway: string, at: number, told: ReadonlyMap<Selector, number>): void {
    this.#transaction(() => this.#retentions.note(gateway, at, told))
  }

  windowOf(gateway: string, group: string): number | undefined {
    const row = this.#guard(() => this.#sql('SELECT ms FROM window WHERE gateway = ? AND grp = ?').get(gateway, group))
    return row === undefined ? undefined : Number(row['ms'])
  }

  widthOf(gateway: string, group: string): Width | undefined {
    const row = this.#guard(() =>
      this.#sql('SELECT width FROM grouping WHERE gateway = ? AND grp = ?').get(gateway, group),
    )
    return row === undefined ? undefined : (String(row['width']) as Width)
  }

  rememberWidth(gateway: string, group: string, width: Width): void {
    this.#transaction(() => {
      this.#sql('INSERT OR REPLACE INTO grouping (gateway, grp, width) VALUES (?, ?, ?)').run(gateway, group, width)
    })
  }

  /** For points that are added to ranges that are covered already. */
  amendments(place: Place): Amendments {
    const parts = { targets: this.#targets, contents: this.#contents }
    return this.#guard(() => openAmendments(place, parts, work => this.#transaction(work)))
  }

  /** What the datapoints of a gateway log: see `openPins`. */
  pins(place: Place): KeptPins {
    return this.#guard(() => openPins(this.#database, place, work => this.#transaction(work)))
  }

  close(): void {
    if (!this.#database.isOpen) return
    this.#ownership?.release()
    this.#database.close()
  }

  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()

  #sql(text: string): ReturnType<DatabaseSync['prepare']> {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }

  #transaction(work: () => void): void {
    this.#guard(() => {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        this.#ownership?.confirm()
        work()
        this.#database.exec('COMMIT')
      } catch (error) {
        // a failed COMMIT (disk full) may have rolled back already
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
        throw error
      }
    })
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw ledgerFailure(error, this.#path)
    }
  }
}
