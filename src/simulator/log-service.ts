import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { FormatFrame } from './frames.ts'
import type { History } from './history.ts'
import { sendLogAnswer } from './log-socket.ts'
import type { Pace } from './pace.ts'
import { type LogQuery, parseLogQuery } from './query.ts'
import type { Release } from './releases.ts'
import { keptLogQueries, type LogRequestRecord, type Stats } from './stats.ts'

export interface LogParts {
  readonly history: History
  readonly release: Release
  readonly frame: FormatFrame
  readonly pace: Pace
  readonly stats: Stats
  readonly now: () => number
  readonly badQuery: 'close' | 'end'
}

/** Serves one data-log socket: one query, its entries, the end (protocol §2). */
export function createLogService(parts: LogParts): (client: WebSocket, socket: Duplex, query: string) => void {
  const { history, stats, pace, now } = parts
  return (client, socket, query) => {
    const parsed = parseLogQuery(query, parts.release)
    const bad = 'fault' in parsed
    const record: LogRequestRecord = {
      query,
      after: bad ? Number.NaN : parsed.after,
      until: bad ? Number.NaN : parsed.until,
      openedAt: performance.now(),
      entries: 0,
      ended: false,
      closeCode: undefined,
    }
    stats.logQueries.push(record)
    if (stats.logQueries.length > keptLogQueries) stats.logQueries.shift()
    stats.logRequests += 1
    stats.openLogSockets += 1
    stats.maxOpenLogSockets = Math.max(stats.maxOpenLogSockets, stats.openLogSockets)
    client.once('close', code => {
      stats.openLogSockets -= 1
      record.closeCode = code
    })
    if (bad && parts.badQuery === 'close') return client.close(1008, parsed.fault.slice(0, 100))
    const frames = bad ? [] : readFrames(parsed)
    sendLogAnswer(client, socket, { frames, pace, stats, record }).catch(() => client.terminate())
  }

  function* readFrames(query: LogQuery): Generator<string> {
    // Nothing is stored yet that the gateway's clock has not reached.
    for (const entry of history.merged(query.matches, query.after, Math.min(query.until, now())))
      yield parts.frame(entry)
  }
}
