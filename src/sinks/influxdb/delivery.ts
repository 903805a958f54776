import type { Clock } from '../../domain/clock.ts'
import { compareInstants } from '../../domain/instant.ts'
import type { Point } from '../../domain/point.ts'
import type { Refusal, RefusalCode, WriteResult, WriteWaiting } from '../sink.ts'
import type { BatchSize } from './batch-size.ts'
import type { Connection } from './connection.ts'
import type { LineOf } from './line-protocol.ts'
import type { Patience } from './patience.ts'
import type { Place } from './place.ts'
import { type Probe, writeRequest } from './probe.ts'
import { codeOf, judge, type Verdict } from './verdict.ts'

export interface DeliveryParts {
  readonly connection: Connection
  readonly place: Place
  readonly patience: Patience
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
export async function deliver(
  points: readonly Point[],
  parts: DeliveryParts,
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
    const verdict = await send(piece, parts, signal)
    if (verdict.act === 'done') written += piece.length
    else if (verdict.act === 'wait') todo.push(...halves(piece))
    else if (verdict.act === 'halve') {
      if (piece.length === 1) refuse(piece, 'too-large', 'longer than the database takes (413)')
      else {
        parts.size.tooLarge(piece.length)
        todo.push(...halves(piece))
      }
    } else if (piece.length === 1 || verdict.everyLine) refuse(piece, verdict.code, verdict.reason)
    else if (verdict.bad !== undefined) {
      const { bad } = verdict
      for (const [position, reason] of bad) refuse([piece[position]!], codeOf(reason), reason)
      todo.push(piece.filter((_, position) => !bad.has(position)))
    } else {
      // Stable: two values for one time keep their order.
      piece.sort((a, b) => compareInstants(a.point.at, b.point.at))
      if (verdict.oldest === undefined) todo.push(...halves(piece))
      else {
        refuse(piece.splice(0, verdict.oldest), verdict.code, verdict.reason)
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
  { connection, place, patience, clock, size, probe, waiting }: DeliveryParts,
  signal: AbortSignal,
): Promise<Exclude<Verdict, { act: 'stop' }>> {
  const texts = piece.map(line => line.text)
  const request = await writeRequest(texts.join('\n'), place)
  for (let timeouts = 0; ; ) {
    await patience.pass(signal, waiting)
    const begun = clock.now()
    const verdict = judge(await connection.send(request, signal), texts, place, clock.now())
    if (verdict.act !== 'wait') {
      patience.answered(waiting)
      if (verdict.act === 'stop') throw verdict.failure
      size.took(piece.length, clock.now() - begun)
      return verdict
    }
    timeouts = verdict.timedOut ? timeouts + 1 : 0
    const isTooMuch = timeouts >= timeoutsToHalve && piece.length > 1
    // before the wait, which may be given up: the next write must not begin with as many
    if (isTooMuch) size.took(piece.length, Number.POSITIVE_INFINITY)
    probe.remember(texts[0]!)
    await patience.wait(verdict, signal, waiting)
    if (isTooMuch && size.lines < piece.length) return verdict
  }
}

/** The later half first: taken from the end of a list, the earlier one is sent first. */
function halves<T>(items: readonly T[]): [T[], T[]] {
  const middle = items.length >>> 1
  return [items.slice(middle), items.slice(0, middle)]
}
