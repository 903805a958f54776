import type { Clock } from '../domain/clock.ts'
import { requestText } from '../domain/request.ts'
import type { WaitReason } from '../pipeline/gate.ts'
import type { RunEvent } from '../pipeline/job.ts'
import { countOf, countText, minuteText, shareText, tookText } from './format.ts'
import type { Terminal } from './terminal.ts'

const barWidth = 24
/** Without a terminal, a line now and then shows in a log file that the run goes on. */
const quietEveryMs = 60_000
/** The first requests say little about the rest. */
const estimateAfterMs = 2_000

/** The live line of a run, fed by its events: share done, entries, rate, time left. */
export class Progress {
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #started: number
  readonly #planned = new Map<string, number>()
  readonly #left = new Map<string, number>()
  #received = 0
  #saidAt: number
  #trouble = ''

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
    this.#started = clock.now()
    this.#saidAt = this.#started
  }

  readonly observe = (event: RunEvent): void => {
    if (event.kind === 'planned') {
      this.#planned.set(event.gateway, event.lengthMs)
      this.#left.set(event.gateway, event.lengthMs)
    } else if (event.kind === 'done') {
      this.#received += event.receipt.received
      this.#left.set(event.gateway, event.lengthLeft)
      this.#trouble = ''
    } else if (event.kind === 'parked') {
      const { selectors, range } = event.piece
      this.#terminal.say(
        `parked: ${requestText({ gateway: event.gateway, selectors, range })}: ${event.failure.message}`,
      )
    } else if (event.kind === 'database-doubted') this.#terminal.say(...event.words)
    else if (event.kind === 'rules-adopted') {
      const count = countOf(event.selectors.length, 'datapoint')
      this.#terminal.say(
        `${event.gateway}: the ledger did not know by which rules the points of ${count} were made: those of today are recorded.`,
      )
    } else if (event.kind === 'failed') {
      this.#tellTrouble(event)
    } else if (event.kind === 'waiting' && event.reason !== undefined) this.#sayWait(event.gateway, event.reason)
    this.#draw()
  }

  close(): void {
    this.#terminal.live('')
  }

  #tellTrouble({ gateway, failure, waitMs }: RunEvent & { kind: 'failed' }): void {
    const words = `${gateway}: ${failure.message}; trying again in ${tookText(waitMs)}`
    // the same trouble again is on the live line only
    if (words.split(';')[0] !== this.#trouble) this.#terminal.say(words)
    this.#trouble = words.split(';')[0]!
  }

  /** The rhythm of requests, and the waits after failures that were printed already, are no news. */
  #sayWait(gateway: string, { kind, text, until }: WaitReason): void {
    if (kind !== 'cpu' && kind !== 'quiet-hours' && kind !== 'database') return
    this.#terminal.say(`${gateway}: ${text}${until === undefined ? '' : `, until ${minuteText(until)} UTC`}`)
  }

  #draw(): void {
    const line = this.#line()
    if (this.#terminal.isWatched) this.#terminal.live(line)
    else if (this.#clock.now() - this.#saidAt >= quietEveryMs) {
      this.#saidAt = this.#clock.now()
      this.#terminal.say(line)
    }
  }

  #line(): string {
    const sum = (lengths: Map<string, number>) => [...lengths.values()].reduce((a, b) => a + b, 0)
    const planned = sum(this.#planned)
    // a bar must never be what ends a run
    const share = planned === 0 ? 1 : Math.max(0, 1 - sum(this.#left) / planned)
    const tookMs = this.#clock.now() - this.#started
    const rate = countText(this.#received / Math.max(0.001, tookMs / 1000))
    const left = share > 0 && tookMs > estimateAfterMs ? `, about ${tookText((tookMs / share) * (1 - share))} left` : ''
    const full = Math.floor(share * barWidth)
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full)
    return `${bar} ${shareText(share).padStart(5)}  ${countText(this.#received)} entries, ${rate}/s${share < 1 ? left : ''}`
  }
}
