import type { TimeRange } from './range.ts'

/** What became of the entries of a transfer (law 5), and what it took. */
export interface Receipt {
  /** Frames received before `"end"`. */
  received: number
  /** Not asked for: another datapoint, or outside the range. */
  outside: number
  /** Of the outside: those of other devices than were asked for. */
  foreign: number
  /** Of the outside: those later than the gateway's own clock. They are asked for when their time has come (law 8). */
  future: number
  /** The same datapoint and time as another entry of the same request. */
  duplicate: number
  /** Of the duplicates: those that differ. Of each field the larger value is kept, whatever the order of arrival. */
  collapsed: number
  /** The value was null, or a text that the database cannot hold. */
  empty: number
  /** Acknowledged by the sink. */
  written: number
  /** Not writable, or refused by the sink: each one is a dead letter. */
  rejected: number
  /** Of the rejected: those older than the database keeps. Nothing is wrong with them, and no later run can write them. */
  tooOld: number
  /** Points whose number no float holds: the database has the nearest one that it can. */
  rounded: number
  /** Points whose text the enumeration of their rule does not have: they have no number. */
  unmapped: number
  /** Of the empty: texts that the database cannot hold, because it keeps numbers alone. */
  unheld: number
  /** Bytes of frames received. */
  bytes: number
  tookMs: number
}

/** A transfer of the past; `asked` names its selectors. */
export interface PastTransfer {
  readonly asked: string
  readonly range: TimeRange
  readonly receipt: Receipt
}

/** What requests together brought, and what of it was not asked for. */
export interface Share {
  readonly received: number
  readonly outside: number
  /** Length of their ranges, ms. */
  readonly ms: number
}

/** What is counted for each selector of a request; frames that name no datapoint count for none. */
export type Counts = Readonly<Pick<Receipt, 'received' | 'written' | 'rejected'>>

export function emptyReceipt(): Receipt {
  return {
    received: 0,
    outside: 0,
    foreign: 0,
    future: 0,
    duplicate: 0,
    collapsed: 0,
    empty: 0,
    written: 0,
    rejected: 0,
    tooOld: 0,
    rounded: 0,
    unmapped: 0,
    unheld: 0,
    bytes: 0,
    tookMs: 0,
  }
}

export function addReceipt(sum: Receipt, more: Receipt): void {
  for (const key of Object.keys(sum) as (keyof Receipt)[]) sum[key] += more[key]
}

export function addCounts(a: Counts, b: Counts): Counts {
  return { received: a.received + b.received, written: a.written + b.written, rejected: a.rejected + b.rejected }
}

/** Law 5: `received = outside + duplicate + empty + written + rejected`. */
export function isBalanced(r: Receipt): boolean {
  return r.received === r.outside + r.duplicate + r.empty + r.written + r.rejected
}
