import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock } from '../../domain/clock.ts'
import { compareInstants } from '../../domain/instant.ts'
import type { Point } from '../../domain/point.ts'
import type { Refusal, WriteResult } from '../sink.ts'
import type { BatchSize } from './batch-size.ts'
import type { Connection } from './connection.ts'
import { lineOf } from './line-protocol.ts'
import type { Patience } from './patience.ts'
import type { Place } from './place.ts'
import { judge, type Verdict } from './verdict.ts'

const gzipped = promisify(gzip)

export interface DeliveryParts {
  readonly connection: Connection
  readonly place: Place
  readonly patience: Patience
  readonly size: BatchSize
  readonly clock: Clock
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
  const todo: Line[][] = [points.map(point => ({ point, text: lineOf(point) }))]
  for (let piece = todo.pop(); piece !== undefined; piece = todo.pop()) {
    if (piece.length === 0) continue
    if (piece.length > parts.size.lines) {
      todo.push(...halves(piece))
      continue
    }
    const verdict = await send(piece, parts, signal)
    if (verdict.act === 'done') written += piece.length
    else if (verdict.act === 'halve') {
      if (piece.length === 1) rejected.push({ point: piece[0]!.point, reason: 'longer than the database takes (413)' })
      else {
        parts.size.tooLarge(piece.length)
        todo.push(...halves(piece))
      }
    } else if (piece.length === 1 || verdict.everyLine) {
      for (const { point } of piece) rejected.push({ point, reason: verdict.reason })
    } else if (verdict.bad !== undefined) {
      const { bad } = verdict
      for (const [position, reason] of bad) rejected.push({ point: piece[position]!.point, reason })
      todo.push(piece.filter((_, position) => !bad.has(position)))
    } else {
      // Stable: two values for one time keep their order.
      piece.sort((a, b) => compareInstants(a.point.at, b.point.at))
      if (verdict.oldest === undefined) todo.push(...halves(piece))
      else {
        for (const { point } of piece.splice(0, verdict.oldest)) rejected.push({ point, reason: verdict.reason })
        todo.push(piece)
      }
    }
  }
  return { written, rejected }
}

/** Resolves when the database has judged the lines; waits out everything else. */
async function send(
  piece: readonly Line[],
  { connection, place, patience, clock }: DeliveryParts,
  signal: AbortSignal,
): Promise<Exclude<Verdict, { act: 'wait' | 'stop' }>> {
  const texts = piece.map(line => line.text)
  const body = await gzipped(texts.join('\n'), { level: 1 })
  const request = {
    method: 'POST',
    path: place.writePath,
    body,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-encoding': 'gzip' },
  } as const
  for (let attempt = 1; ; attempt++) {
    const verdict = judge(await connection.send(request, signal), texts, place, clock.now())
    if (verdict.act === 'wait') {
      await patience.wait(attempt, verdict.reason, verdict.afterMs, signal)
      continue
    }
    patience.answered()
    if (verdict.act === 'stop') throw verdict.failure
    return verdict
  }
}

/** The later half first: taken from the end of a list, the earlier one is sent first. */
function halves<T>(items: readonly T[]): [T[], T[]] {
  const middle = items.length >>> 1
  return [items.slice(middle), items.slice(0, middle)]
}
