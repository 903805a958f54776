import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { type Course, drawCourse } from './course.ts'
import { createDice, type Dice } from './dice.ts'
import { duplicate, shuffle } from './disorder.ts'
import type { FaultSettings } from './faults.ts'
import type { FormatFrame } from './frames.ts'
import { createGarbage, errorFrame, type OddFrame } from './garbage.ts'
import type { Entry } from './history.ts'
import type { LoadMeter } from './load.ts'
import { type RecordedEnd, sendLogAnswer } from './log-socket.ts'
import { createOverlap } from './overlap.ts'
import type { Pace } from './pace.ts'
import { type LogQuery, parseLogQuery } from './query.ts'
import { createRandom, mix } from './random.ts'
import type { Release } from './releases.ts'
import type { Script } from './script.ts'
import type { Session, Sessions } from './sessions.ts'
import type { Datapoint } from './site.ts'
import { countFault, keptLogQueries, type LogRequestRecord, type Stats } from './stats.ts'
import type { Store } from './store.ts'

interface LogParts {
  readonly store: Store
  readonly datapoints: readonly Datapoint[]
  readonly release: Release
  readonly frame: FormatFrame
  readonly pace: Pace
  readonly load: LoadMeter
  readonly sessions: Sessions
  readonly stats: Stats
  readonly seed: number
  readonly faults: () => FaultSettings
  readonly badQuery: 'close' | 'end'
  readonly nameFallback: boolean
  readonly rawQueries: boolean
  readonly script: Script
  /** The gateway's clock, ms UTC. */
  readonly now: () => number
  /** Whether an open log socket dies with its session. */
  readonly expiryClosesSockets: boolean
}

/** One accepted upgrade with a query. */
export interface LogRequest {
  readonly client: WebSocket
  readonly socket: Duplex
  readonly query: string
  readonly session: Session
  reset(): void
}

/** Serves one data-log socket: one query, its entries, the end (protocol §2). */
export function createLogService(parts: LogParts): (request: LogRequest) => void {
  const { stats, sessions, store } = parts
  let closed = 0
  let strangers = 0
  return ({ client, socket, query, session, reset }) => {
    const number = stats.logRequests + 1
    parts.script.look({ kind: 'request', number })
    const parsed = parseLogQuery(query, parts.release, parts)
    const bad = 'fault' in parsed
    const record: LogRequestRecord = {
      query,
      after: bad ? Number.NaN : parsed.after,
      until: bad ? Number.NaN : parsed.until,
      openedAt: performance.now(),
      faults: [],
      entries: 0,
      ended: false,
      closeCode: undefined,
    }
    addRecord(stats, record, client)
    client.once('close', () => parts.script.look({ kind: 'closed', number: ++closed }))
    if (bad && parts.badQuery === 'close') {
      client.close(1008, parsed.fault.slice(0, 100))
      return
    }
    // Each request has its own sequence, so that requests side by side do not disturb each other's chance.
    const random = createRandom(mix(parts.seed, 41, stats.logRequests))
    const dice = createDice(parts.faults, random, fault => {
      countFault(stats, fault)
      if (!record.faults.includes(fault)) record.faults.push(fault)
    })
    const course = drawCourse(parts.faults(), dice)
    if (course.expireSession) sessions.logout(session.id)
    sendLogAnswer(client, socket, {
      frames: bad ? nothing : readFrames(query, parsed, course, dice, number),
      course,
      pace: parts.pace,
      load: parts.load,
      stats,
      record,
      isAlive: () => !parts.expiryClosesSockets || sessions.isLiving(session.id),
      reset,
    }).catch(() => client.terminate())
  }

  function* readFrames(
    text: string,
    query: LogQuery,
    course: Course,
    dice: Dice,
    number: number,
  ): Generator<string | OddFrame, RecordedEnd> {
    if (course.instead === 'error') yield errorFrame
    if (course.instead !== undefined) return { ending: undefined, afterEnd: [] }
    const overlaps = createOverlap(text, parts.release, parts.datapoints)
    const matches = (datapoint: Datapoint) =>
      datapoint.strayOf === undefined ? query.matches(datapoint) : overlaps(datapoint.strayOf)
    const afterEnd: OddFrame[] = []
    let sent = 0
    if (course.giant !== undefined) yield course.giant
    do {
      for (const entry of chooseEntries(course.ignoreFilter ? () => true : matches, query, course, dice)) {
        if (entry.cut !== undefined) return { ending: entry.cut, afterEnd: [] }
        if (entry.isAfterEnd === true) {
          afterEnd.push({ odd: parts.frame(entry) })
          continue
        }
        if (parts.faults().garbage > 0 && dice.strikes('garbage')) yield createGarbage(dice)
        if (parts.faults().strangers > 0 && dice.strikes('strangers')) yield writeStranger(entry)
        yield entry.datapoint.strayOf === undefined ? parts.frame(entry) : { odd: parts.frame(entry) }
        parts.script.look({ kind: 'entry', request: number, number: ++sent })
      }
    } while (course.endless && sent > 0)
    // Nothing comes again and again without an end: silence.
    return { ending: course.endless ? { kind: 'stall' } : undefined, afterEnd }
  }

  function chooseEntries(
    filter: (datapoint: Datapoint) => boolean,
    { after, until }: LogQuery,
    course: Course,
    dice: Dice,
  ): Iterable<Entry> {
    const read = course.order === 'ascending' ? store.read : store.readBackwards
    let last = until + course.widenMs
    if (course.share < 1) {
      const first = Math.max(after, store.start)
      last = Math.floor(first + course.share * (Math.min(until, parts.now()) - first))
    }
    let entries = read(filter, after - course.widenMs, last)
    if (course.pruneAfter !== Number.POSITIVE_INFINITY) entries = pruning(entries, course)
    if (course.shuffleWindow > 0) entries = shuffle(entries, course.shuffleWindow, dice)
    if (parts.faults().duplicate > 0) entries = duplicate(entries, dice)
    return entries
  }

  /** The entry with a device name that was never there before. */
  function writeStranger(entry: Entry): OddFrame {
    const name = JSON.stringify(`Stranger ${++strangers}`)
    const own = `"deviceName":${JSON.stringify(entry.datapoint.device)}`
    return { odd: parts.frame(entry).replace(own, () => `"deviceName":${name}`) }
  }

  function* pruning(entries: Iterable<Entry>, course: Course): Generator<Entry> {
    let count = 0
    for (const entry of entries) {
      yield entry
      if (count++ === course.pruneAfter) store.prune(entry.ms + course.pruneMs)
    }
  }
}

const nothing: Iterator<never, RecordedEnd> = {
  next: () => ({ done: true, value: { ending: undefined, afterEnd: [] } }),
}

function addRecord(stats: Stats, record: LogRequestRecord, client: WebSocket): void {
  stats.logQueries.push(record)
  if (stats.logQueries.length > keptLogQueries) stats.logQueries.shift()
  stats.logRequests += 1
  stats.openLogSockets += 1
  stats.maxOpenLogSockets = Math.max(stats.maxOpenLogSockets, stats.openLogSockets)
  client.once('close', code => {
    stats.openLogSockets -= 1
    record.closeCode = code
  })
}
