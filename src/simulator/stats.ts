import type { FaultName } from './faults.ts'

/** One data-log request, as the simulator saw it. */
export interface LogRequestRecord {
  /** The raw query, still percent-encoded. */
  readonly query: string
  readonly after: number
  readonly until: number
  /** When it was opened, ms of the real monotonic clock. */
  readonly openedAt: number
  /** The faults it met, in the order they struck. */
  readonly faults: FaultName[]
  entries: number
  /** Whether "end" was sent. */
  ended: boolean
  /** The close code, once the socket is closed. */
  closeCode: number | undefined
}

/** What the simulator has seen and done. Counts only grow; tests and benchmarks read them at any time. */
export interface Stats {
  requests: number
  /** Requests of the second that runs, on the real clock. */
  latestSecond: { readonly at: number; requests: number }
  logins: number
  failedLogins: number
  logouts: number
  refusedUpgrades: number
  logRequests: number
  /** Data-log sockets open now, and the most there ever were at once. */
  openLogSockets: number
  maxOpenLogSockets: number
  entriesSent: number
  bytesSent: number
  /** Frames sent that were no entries, but for "end". */
  oddFramesSent: number
  /** General-purpose sockets open now. */
  openGeneralSockets: number
  /** How often each fault has struck. */
  readonly faults: Partial<Record<FaultName, number>>
  /** The most bytes that ever waited in one socket for a slow client. */
  maxBufferedBytes: number
  /** The latest data-log requests, oldest first, at most 10 000. */
  readonly logQueries: LogRequestRecord[]
}

export const keptLogQueries = 10_000

export function createStats(): Stats {
  return {
    requests: 0,
    latestSecond: { at: 0, requests: 0 },
    logins: 0,
    failedLogins: 0,
    logouts: 0,
    refusedUpgrades: 0,
    logRequests: 0,
    openLogSockets: 0,
    maxOpenLogSockets: 0,
    entriesSent: 0,
    bytesSent: 0,
    oddFramesSent: 0,
    openGeneralSockets: 0,
    faults: {},
    maxBufferedBytes: 0,
    logQueries: [],
  }
}

export function countFault(stats: Stats, fault: FaultName): void {
  stats.faults[fault] = (stats.faults[fault] ?? 0) + 1
}
