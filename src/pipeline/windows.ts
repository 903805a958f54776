import type { Failure } from '../domain/failure.ts'
import type { TimeRange } from '../domain/range.ts'
import type { Receipt } from '../domain/receipt.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { adaptWindow, denseWindow, firstWindow, shrinkWindow, type WindowLimits } from '../planning/window.ts'

/** How long the next range of each group of a gateway may be: learnt as it goes, remembered in the ledger. */
export class Windows {
  readonly #ledger: Ledger
  readonly #gateway: string
  readonly #limits: WindowLimits
  readonly #known = new Map<string, number>()

  constructor(ledger: Ledger, gateway: string, limits: WindowLimits) {
    this.#ledger = ledger
    this.#gateway = gateway
    this.#limits = limits
  }

  readonly of = (group: string): number => {
    let ms = this.#known.get(group)
    if (ms === undefined) {
      const { shortest, longest } = this.#limits
      // the limits may have changed since it was remembered
      const remembered = this.#ledger.windowOf(this.#gateway, group) ?? firstWindow(this.#limits)
      ms = Math.min(longest, Math.max(shortest, remembered))
      this.#known.set(group, ms)
    }
    return ms
  }

  /** After a complete request. The caller records it together with what it proves. */
  adapt(group: string, range: TimeRange, { received, tookMs }: Receipt): number {
    const ms = adaptWindow(this.of(group), this.#limits, { range, received, tookMs })
    this.#known.set(group, ms)
    return ms
  }

  shrink(group: string): void {
    this.#known.set(group, shrinkWindow(this.of(group), this.#limits))
  }

  /** After a request that was cut off because it brought too much. */
  tighten(group: string, range: TimeRange, { work: { entries = 1, reached = range.until } }: Failure): void {
    this.#known.set(group, denseWindow(range, this.#limits, { entries, reached }))
  }
}
