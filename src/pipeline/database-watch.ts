import type { Clock } from '../domain/clock.ts'
import { Failure } from '../domain/failure.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { KnownMark, Loss } from '../ledger/marks.ts'
import { type Settling, stillMsOf } from '../sinks/settle.ts'
import type { Outage, Sink, SinkReport } from '../sinks/sink.ts'
import { type FoundMark, findMark, knownElsewhere, writeMark } from './database-mark.ts'
import { compareSamples } from './database-samples.ts'

interface WatchParts {
  readonly sink: Sink
  readonly ledger: Ledger
  readonly clock: Clock
}

/** What comparing the database with the ledger has shown. */
interface DatabaseFinding {
  /** What a person should know; empty when all is well. */
  readonly words: readonly string[]
  /** True: it does not hold what it has acknowledged, and nothing is known that could be taken back for it. */
  readonly isShort: boolean
}

/** Whether the database is still the one that the ledger's proof is about (law 14). */
export interface DatabaseWatch {
  /** Rises whenever proof was taken back: what was planned or begun before that is worth nothing. */
  readonly generation: number
  /** What `confirm` has to know of the database. */
  learn(report: SinkReport): void
  /** A database that is met at another address bears a mark that the ledger knows: all that is known goes with it. */
  recognise(signal: AbortSignal): Promise<readonly string[]>
  /**
   * Compares the mark that the database bears, what the server tells of itself and the count of the last transfers with
   * the ledger, takes back what is lost, and gives the database the next mark. Throws a Failure where it does not answer.
   */
  confirm(signal: AbortSignal): Promise<DatabaseFinding>
  /** Only where it has not been done for a quarter of an hour, or the database was away since. */
  confirmIfDue(signal: AbortSignal): Promise<DatabaseFinding>
  /** The database was away: it may come back as another one. */
  doubt(): void
  /** Gives the next mark to a database that was compared with the gateway, entry by entry. */
  accept(signal: AbortSignal): Promise<void>
}

const everyMs = 15 * 60_000
const fine: DatabaseFinding = { words: [], isShort: false }

export function createDatabaseWatch(parts: WatchParts): DatabaseWatch {
  const { sink, ledger, clock } = parts
  let generation = 0
  let known: Pick<SinkReport, 'retentionMs' | 'exact' | 'readsAtOnce'> = { retentionMs: undefined }
  let confirmedAt = Number.NEGATIVE_INFINITY
  let doubts = 0
  let underWay: { readonly finding: Promise<DatabaseFinding>; readonly signal: AbortSignal } | undefined
  let hasSaidUnknown = false

  const settling = (): Settling => ({
    clock,
    stillMs: stillMsOf(known),
    observe: () => {},
  })
  const find = (mark: Pick<KnownMark, 'id' | 'number' | 'at'>, signal: AbortSignal) =>
    findMark(sink, mark, { clock, settling: settling() }, signal)
  const oldest = () => (known.retentionMs === undefined ? Number.NEGATIVE_INFINITY : clock.now() - known.retentionMs)

  function takeBack(loss: Loss): void {
    ledger.marks.lost(sink.id, loss)
    generation++
  }

  async function compare(signal: AbortSignal): Promise<DatabaseFinding> {
    const began = { at: clock.elapsed(), doubts }
    const words: string[] = []
    const identity = (await sink.identity?.(signal)) ?? {}
    const borne = await compareMark(identity, words, signal)
    const isShort = await compareCounts(words, signal)
    await giveMark({ borne, isAsked: false }, identity, words, signal)
    if (doubts === began.doubts) confirmedAt = began.at
    return { words: words.map(it => `${sink.label}: ${it}`), isShort }
  }

  async function recognise(signal: AbortSignal): Promise<readonly string[]> {
    if (sink.begin !== undefined) return []
    const other = await knownElsewhere(sink, ledger, { clock, settling: settling() }, signal)
    if (other === undefined) return []
    ledger.marks.move(other, sink.id)
    return [`it is the database that the ledger knows as ${other}: what is complete there is complete here`]
  }

  /** Returns the number that the database bears. */
  async function compareMark(identity: Identity, words: string[], signal: AbortSignal): Promise<number> {
    const mark = ledger.marks.of(sink.id)
    if (mark === undefined || mark.number === 0) return 0
    const found = await find(mark, signal)
    sayUnknown(found, words)
    const loss = lossOf(mark, found, identity, mark.at < oldest())
    if (loss !== undefined) {
      const { marks } = ledger
      const isAny = loss === 'all' ? marks.provesAny(sink.id) : marks.hasSince(sink.id, loss.since)
      if (isAny) words.push(lossText(loss, found, mark))
      takeBack(loss)
    }
    return found.kind === 'number' ? found.number : 0
  }

  async function compareCounts(words: string[], signal: AbortSignal): Promise<boolean> {
    let isShort = false
    const samples = ledger.marks.samples(sink.id).filter(({ range }) => range.after >= oldest())
    for (const some of Map.groupBy(samples, ({ measurement }) => measurement).values()) {
      const { exact } = known
      const finding = await compareSamples(some, { sink, clock, settling: settling(), exact }, signal)
      if (finding.kind === 'held' && finding.seen !== undefined) ledger.marks.confirm(sink.id, [finding.seen])
      if (finding.kind === 'held') continue
      words.push(finding.words)
      if (finding.kind === 'lost') takeBack(finding.loss)
      else isShort = true
    }
    return isShort
  }

  /** What was recorded up to now is in a database that bears it. */
  async function giveMark(
    { borne, isAsked }: { readonly borne: number; readonly isAsked: boolean },
    identity: Identity,
    words: string[],
    signal: AbortSignal,
  ): Promise<void> {
    const mark = ledger.marks.of(sink.id)
    const isYoung = mark !== undefined && mark.at > clock.now() - (known.retentionMs ?? Number.POSITIVE_INFINITY) / 4
    const isCurrent = mark !== undefined && mark.number > 0 && isYoung && isSame(mark.identity, identity)
    const isBorne = !isAsked && (mark === undefined || borne >= mark.number || !mark.isSeen)
    if (isBorne && isCurrent && !ledger.marks.hasSince(sink.id, mark.number)) return
    const next = ledger.marks.begin(sink.id, borne)
    const at = clock.now()
    await writeMark(sink, next, at, signal)
    let isSeen = mark?.isSeen === true
    if (!isSeen) {
      const found = await find({ ...next, at }, signal)
      sayUnknown(found, words)
      isSeen = found.kind === 'number'
    }
    ledger.marks.written(sink.id, { number: next.number, at, isSeen, identity })
  }

  /** Once: it stays so. */
  function sayUnknown(found: FoundMark, words: string[]): void {
    const isSeen = ledger.marks.of(sink.id)?.isSeen === true
    const why = found.kind === 'unreadable' ? found.why : found.kind === 'none' && !isSeen ? neverSeen : undefined
    if (why === undefined || hasSaidUnknown) return
    hasSaidUnknown = true
    words.push(`whether it is still the database that the ledger speaks of cannot be told: ${why}`)
  }

  function confirm(signal: AbortSignal): Promise<DatabaseFinding> {
    // a bundle is carried away: there is nothing to compare
    if (sink.begin !== undefined) return Promise.resolve(fine)
    if (underWay !== undefined) return join(underWay, signal)
    const finding = compare(signal).finally(() => {
      underWay = undefined
    })
    underWay = { finding, signal }
    return finding
  }

  /** What another run has begun is waited for; where that one is stopped it is begun again. */
  async function join({ finding, signal: its }: NonNullable<typeof underWay>, signal: AbortSignal) {
    const stopped = Promise.withResolvers<never>()
    const stop = () => stopped.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await Promise.race([finding, stopped.promise])
    } catch (error) {
      if (its.aborted && !signal.aborted) return await confirm(signal)
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    get generation() {
      return generation
    },
    learn(report) {
      known = report
    },
    async recognise(signal) {
      return (await recognise(signal)).map(it => `${sink.label}: ${it}`)
    },
    confirm,
    confirmIfDue: signal => (clock.elapsed() - confirmedAt < everyMs ? Promise.resolve(fine) : confirm(signal)),
    doubt() {
      doubts++
      confirmedAt = Number.NEGATIVE_INFINITY
    },
    async accept(signal) {
      await giveMark({ borne: 0, isAsked: true }, (await sink.identity?.(signal)) ?? {}, [], signal)
    },
  }
}

type Identity = KnownMark['identity']

const neverSeen =
  'what was written to it a moment ago is not found there. It loses or renames what is written, or queries are answered from another database'

function isSame(a: Identity, b: Identity): boolean {
  return Object.keys({ ...a, ...b }).every(key => a[key] === b[key])
}

function lossOf(
  mark: KnownMark,
  found: FoundMark,
  identity: Identity,
  isExpired: boolean,
): 'all' | { readonly since: number } | undefined {
  const hasChanged = (key: string) =>
    mark.identity[key] !== undefined && identity[key] !== undefined && mark.identity[key] !== identity[key]
  if (found.kind === 'number' && found.number < mark.number) return { since: found.number }
  if (found.kind === 'none' && mark.isSeen && !isExpired) return 'all'
  const isAnother = Object.keys(identity).some(key => key !== 'startedAt' && hasChanged(key))
  // one that bears its mark was moved to another server with all that is in it
  if (found.kind === 'unreadable' && isAnother) return 'all'
  return hasChanged('startedAt') ? { since: mark.number } : undefined
}

function lossText(loss: 'all' | { readonly since: number }, found: FoundMark, mark: KnownMark): string {
  if (loss === 'all')
    return 'it was made anew, or another database is in its place: all that was complete is fetched again'
  if (found.kind === 'number' && found.number < mark.number)
    return 'it is an older copy of itself: what was recorded after the copy was made is fetched again'
  return 'it was started again since, and may have lost what it acknowledged shortly before: that is fetched again'
}

/**
 * Confirms a database as soon as it is back. Undefined: it is away, and a later pass confirms it, where there is a
 * deadline. Throws a Failure where waiting cannot help.
 */
export async function confirmWhenBack(
  confirm: DatabaseWatch['confirm'],
  { sink, database }: { readonly sink: Pick<Sink, 'ready'>; readonly database: DatabaseWatch },
  { deadline, tell }: { readonly deadline: number | undefined; readonly tell: (outage: Outage | undefined) => void },
  signal: AbortSignal,
): Promise<DatabaseFinding | undefined> {
  for (;;) {
    try {
      return await confirm(signal)
    } catch (error) {
      const isWaiting = error instanceof Failure && error.reach === 'sink' && error.retry !== 'never'
      if (!isWaiting) throw error
      database.doubt()
      if (deadline !== undefined) return undefined
      if (error.retry !== 'soon') throw error
      await sink.ready?.(signal, { tell })
    }
  }
}
