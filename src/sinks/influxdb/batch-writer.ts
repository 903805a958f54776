import type { Clock } from '../../domain/clock.ts'
import { compareInstants } from '../../domain/instant.ts'
import type { Point } from '../../domain/point.ts'
import type { LineOf } from '../line-protocol/format-lines.ts'
import type { Refusal, RefusalCode, WriteResult, WriteWaiting } from '../sink.ts'
import type { Connection } from './connection.ts'
import type { Endpoint } from './endpoint.ts'
import { type OutageGate, type Probe, writeRequest } from './outage.ts'
import { codeOf, interpret, type WriteResponse } from './write-response.ts'

export interface WriterParts {
  readonly connection: Connection
  readonly endpoint: Endpoint
  readonly outages: OutageGate
  readonly size: BatchSize
  readonly clock: Clock
  readonly lineOf: LineOf
  readonly probe: Probe
  readonly waiting: WriteWaiting
}

interface Line {
  readonly point: Point
  readonly text: string
}

/**
 * Sends the points until the database has answered for each of them. A batch that is refused is split in halves until
 * each bad line stands alone: the good ones may well be stored already, and writing twice changes nothing (law 4).
 */
export async function writeBatches(
  points: readonly Point[],
  parts: WriterParts,
  signal: AbortSignal,
): Promise<WriteResult> {
  const rejected: Refusal[] = []
  let written = 0
  const todo: Line[][] = [points.map(point => ({ point, text: parts.lineOf(point) }))]
  function refuse(lines: readonly Line[], code: RefusalCode, reason: string): void {
    for (const { point } of lines) rejected.push({ point, code, reason })
  }
  for (let piece = todo.pop(); piece !== undefined; piece = todo.pop()) {
    if (piece.length === 0) continue
    if (piece.length > parts.size.lines) {
      todo.push(piece.slice(parts.size.lines), piece.slice(0, parts.size.lines))
      continue
    }
    const response = await send(piece, parts, signal)
    if (response.act === 'done') written += piece.length
    else if (response.act === 'wait') todo.push(...halves(piece))
    else if (response.act === 'halve') {
      if (piece.length === 1) refuse(piece, 'too-large', 'longer than the database takes (413)')
      else {
        parts.size.tooLarge(piece.length)
        todo.push(...halves(piece))
      }
    } else if (piece.length === 1 || response.everyLine) refuse(piece, response.code, response.reason)
    else if (response.bad !== undefined) {
      const { bad } = response
      for (const [position, reason] of bad) refuse([piece[position]!], codeOf(reason), reason)
      todo.push(piece.filter((_, position) => !bad.has(position)))
    } else {
      // Stable: two values for one time keep their order.
      piece.sort((a, b) => compareInstants(a.point.at, b.point.at))
      if (response.oldest === undefined) todo.push(...halves(piece))
      else {
        refuse(piece.splice(0, response.oldest), response.code, response.reason)
        todo.push(piece)
      }
    }
  }
  return { written, rejected }
}

/** After so many timeouts in a row the lines are sent in halves: perhaps the database cannot digest as many in time. */
const timeoutsToHalve = 2

/** Resolves when the database has judged the lines, or (`wait`) when fewer at a time may help; waits out everything else. */
async function send(
  piece: readonly Line[],
  { connection, endpoint, outages, clock, size, probe, waiting }: WriterParts,
  signal: AbortSignal,
): Promise<Exclude<WriteResponse, { act: 'stop' }>> {
  const texts = piece.map(line => line.text)
  const request = await writeRequest(texts.join('\n'), endpoint)
  for (let timeouts = 0; ; ) {
    await outages.pass(signal, waiting)
    const begun = clock.now()
    const response = interpret(await connection.send(request, signal), texts, endpoint, clock.now())
    if (response.act !== 'wait') {
      outages.answered(waiting)
      if (response.act === 'stop') throw response.failure
      size.took(piece.length, clock.now() - begun)
      return response
    }
    timeouts = response.timedOut ? timeouts + 1 : 0
    const isTooMuch = timeouts >= timeoutsToHalve && piece.length > 1
    // before the wait, which may be given up: the next write must not begin with as many
    if (isTooMuch) size.took(piece.length, Number.POSITIVE_INFINITY)
    probe.remember(texts[0]!)
    await outages.wait(response, signal, waiting)
    if (isTooMuch && size.lines < piece.length) return response
  }
}

/** The later half first: taken from the end of a list, the earlier one is sent first. */
function halves<T>(items: readonly T[]): [T[], T[]] {
  const middle = items.length >>> 1
  return [items.slice(middle), items.slice(0, middle)]
}
/** How many lines to send at once: learned from what the database takes, and kept for as long as the sink is open. */
export interface BatchSize {
  readonly lines: number
  /** So many lines were answered with 413: never again as many. */
  tooLarge(lines: number): void
  /** So many lines took so long. A database that is slow gets less at once, one that is quick gets more. */
  took(lines: number, ms: number): void
}

/** Best between 5,000 and 20,000 lines (docs/databases.md); a slow database is not made slower by single lines. */
const firstLines = 10_000
const mostLines = 20_000
const fewestLines = 500

const slowMs = 5_000
const quickMs = 500

export function createBatchSize(): BatchSize {
  let most = mostLines
  let now = firstLines
  return {
    get lines() {
      return now
    },
    tooLarge(lines) {
      most = Math.max(1, Math.min(most, lines >>> 1))
      now = Math.min(now, most)
    },
    took(lines, ms) {
      if (ms > slowMs) now = Math.min(now, Math.max(fewestLines, lines >>> 1), most)
      else if (ms < quickMs && lines >= now) now = Math.min(most, Math.ceil(now * 1.25))
    },
  }
}
