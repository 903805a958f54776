import type { Clock } from '../../domain/clock.ts'
import { compareInstants } from '../../domain/instant.ts'
import type { Point } from '../../domain/point.ts'
import type { LineOf } from '../line-protocol/format-lines.ts'
import type { Refusal, WriteResult, WriteWaiting } from '../sink.ts'
import type { Connection } from './connection.ts'
import { type DialectName, type Endpoint, writePath } from './endpoint.ts'
import { type OutageGate, type Probe, writeRequest } from './outage.ts'
import type { LineRefusal, RefusedLines } from './refused-lines.ts'
import { type WriteResponse, writeResponse } from './write-response.ts'

export interface WriterParts {
  readonly connection: Connection
  readonly endpoint: Endpoint
  readonly dialect: DialectName
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

/** Unpacked: InfluxDB 3 takes 10 MiB. */
const mostCharacters = 8_000_000

/**
 * Sends the points until the database has answered for each of them. Refused lines that the answer names are taken out and
 * the others sent again; where it names none, the batch is split in halves until each bad line is alone. Good lines may
 * be stored already, and writing twice changes nothing (law 4).
 */
export async function writeBatches(
  points: readonly Point[],
  parts: WriterParts,
  signal: AbortSignal,
): Promise<WriteResult> {
  const rejected: Refusal[] = []
  let written = 0
  const todo: Line[][] = [points.map(point => ({ point, text: parts.lineOf(point) }))]
  const refuse = (lines: readonly Line[], { code, reason }: LineRefusal) => {
    for (const { point } of lines) rejected.push({ point, code, reason })
  }
  for (let piece = todo.pop(); piece !== undefined; piece = todo.pop()) {
    if (piece.length === 0) continue
    if (piece.length > parts.size.lines) {
      todo.push(piece.slice(parts.size.lines), piece.slice(0, parts.size.lines))
      continue
    }
    if (piece.length > 1 && piece.reduce((sum, { text }) => sum + text.length, 0) > mostCharacters) {
      todo.push(...halves(piece))
      continue
    }
    const response = await send(piece, parts, signal)
    if (response.act === 'stored') written += piece.length
    else if (response.act === 'wait') todo.push(...halves(piece))
    else if (response.act === 'too-large') {
      if (piece.length === 1) refuse(piece, { code: 'too-large', reason: 'longer than the database takes (413)' })
      else {
        parts.size.tooLarge(piece.length)
        todo.push(...halves(piece))
      }
    } else todo.push(...withoutRefused(piece, response.lines, refuse))
  }
  return { written, rejected }
}

/** What is to be sent again. */
function withoutRefused(
  piece: Line[],
  lines: RefusedLines,
  refuse: (lines: readonly Line[], why: LineRefusal) => void,
): readonly Line[][] {
  if (lines.which === 'named') {
    for (const [position, why] of lines.named) refuse([piece[position]!], why)
    return [piece.filter((_, position) => !lines.named.has(position))]
  }
  if (piece.length === 1 || lines.which === 'all') {
    refuse(piece, lines)
    return []
  }
  // Stable: two values for one time keep their order.
  piece.sort((a, b) => compareInstants(a.point.at, b.point.at))
  if (lines.which === 'some') return halves(piece)
  refuse(piece.splice(0, lines.count), lines)
  return [piece]
}

/** After so many answers in a row that did not come in time, fewer lines are sent: perhaps the database cannot digest as many. */
const failuresToHalve = 2

/** Resolves when the database has judged the lines, or (`wait`) when fewer at a time may help; waits out everything else. */
async function send(
  piece: readonly Line[],
  { connection, endpoint, dialect, outages, clock, size, probe, waiting }: WriterParts,
  signal: AbortSignal,
): Promise<Exclude<WriteResponse, { act: 'stop' }>> {
  const lines = piece.map(line => line.text)
  const request = await writeRequest(lines.join('\n'), writePath(endpoint, dialect))
  for (let failures = 0; ; ) {
    await outages.pass(signal, waiting)
    const begun = clock.now()
    const outcome = await connection.send(request, signal)
    const response = writeResponse(outcome, { dialect, endpoint, lines, now: clock.now() })
    if (response.act !== 'wait') {
      outages.answered(waiting)
      if (response.act === 'stop') {
        probe.remember(lines[0]!, true)
        throw response.failure
      }
      size.took(piece.length, clock.now() - begun)
      return response
    }
    failures = response.fewer ? failures + 1 : 0
    const isTooMuch = failures >= failuresToHalve && piece.length > 1
    // before the wait, which may be given up: the next write must not begin with as many
    if (isTooMuch) size.took(piece.length, Number.POSITIVE_INFINITY)
    probe.remember(lines[0]!)
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
