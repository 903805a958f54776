import type { DeadLetterDraft } from '../dead-letters/dead-letters.ts'
import type { Frame } from '../domain/entry.ts'
import { type Point, seriesLabel } from '../domain/point.ts'
import type { Receipt } from '../domain/receipt.ts'
import type { Remarks } from '../domain/remark.ts'
import { pointJson } from '../entries/letter-point.ts'
import type { Tally } from '../entries/tally.ts'
import type { Refusal, Sink, WriteWaiting } from '../sinks/sink.ts'

/** While one batch is being written the next one is read and mapped; more would only fill memory (law 6). */
const mostInFlight = 2

interface WriteParts {
  readonly sink: Pick<Sink, 'write'>
  readonly receipt: Receipt
  readonly letters: DeadLetterDraft
  readonly tally: Tally
  readonly remarks: Remarks
  readonly waiting?: WriteWaiting | undefined
}

/** The batches of one transfer that the sink has not answered yet. */
export class WritesInFlight {
  readonly #sink: Pick<Sink, 'write'>
  readonly #receipt: Receipt
  readonly #letters: DeadLetterDraft
  readonly #tally: Tally
  readonly #remarks: Remarks
  readonly #waiting: WriteWaiting | undefined
  readonly #abort = new AbortController()
  readonly #signal: AbortSignal
  readonly #pending = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor({ sink, receipt, letters, tally, remarks, waiting }: WriteParts, signal: AbortSignal) {
    this.#waiting = waiting
    this.#sink = sink
    this.#receipt = receipt
    this.#letters = letters
    this.#tally = tally
    this.#remarks = remarks
    this.#signal = AbortSignal.any([signal, this.#abort.signal])
  }

  /**
   * Resolves as soon as there is room for the next batch. Throws what a write has failed with. `frames[i]`, where there
   * are frames, is what `points[i]` was made of: a refused point can then be made anew by other rules.
   */
  async add(points: readonly Point[], frames?: readonly Frame[]): Promise<void> {
    if (points.length > 0) {
      this.#start(async () => {
        const { written, rejected } = await this.#sink.write(points, this.#signal, this.#waiting)
        this.#receipt.written += written
        this.#refused(this.#leaveOut(rejected), points, frames)
      })
    }
    while (this.#pending.size >= mostInFlight) await Promise.race(this.#pending)
    this.#rethrow()
  }

  /**
   * Points that replace earlier ones: written when nothing else is under way, so that they are the last word. They
   * are counted already, as duplicates.
   */
  async correct(points: readonly Point[]): Promise<void> {
    await this.settle()
    this.#start(async () => {
      const { rejected } = await this.#sink.write(points, this.#signal, this.#waiting)
      this.#receipt.duplicate -= rejected.length
      this.#receipt.collapsed -= rejected.length
      this.#refused(rejected, points, undefined, true)
    })
    await this.settle()
  }

  /** Resolves when every batch is answered. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending)
    this.#rethrow()
  }

  /** Ends what is still under way after a failure; nothing of it counts. */
  async abandon(): Promise<void> {
    this.#abort.abort()
    await Promise.all(this.#pending)
  }

  #start(write: () => Promise<void>): void {
    const pending = write()
      .catch(error => {
        this.#failure ??= { error }
      })
      .finally(() => this.#pending.delete(pending))
    this.#pending.add(pending)
  }

  /** A text that a database for numbers cannot hold is counted, and said once for each datapoint: a letter would never be read. */
  #leaveOut(refusals: readonly Refusal[]): readonly Refusal[] {
    return refusals.filter(({ code, point }) => {
      if (code !== 'strings-not-held') return true
      this.#receipt.empty++
      this.#receipt.unheld++
      this.#tally.leaveOut(point)
      this.#remarks.add(seriesLabel(point.series), { kind: 'unheld', text: Object.values(point.fields).join(', ') })
      return false
    })
  }

  #refused(
    refusals: readonly Refusal[],
    points: readonly Point[],
    frames: readonly Frame[] | undefined,
    isCorrection = false,
  ): void {
    if (refusals.length === 0) return
    this.#receipt.rejected += refusals.length
    const frameOf = frames === undefined ? undefined : new Map(points.map((point, i) => [point, frames[i]]))
    for (const { point, reason, code, partly = false } of refusals) {
      this.#tally.refuse(point, { partly, isCorrection })
      if (code === 'retention') this.#receipt.tooOld++
      const frame = frameOf?.get(point)
      this.#letters.add({
        reason: code,
        detail: reason,
        datapoint: seriesLabel(point.series),
        ...(partly === true && { partly }),
        ...(frame === undefined ? { point: pointJson(point) } : { raw: frame }),
      })
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
