import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import { type Point, seriesLabel } from '../domain/point.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { pointJson } from '../entries/letter-point.ts'
import type { Mapping } from '../points/mapping.ts'
import type { Sink } from '../sinks/sink.ts'

interface RepairParts {
  readonly sink: Pick<Sink, 'write'>
  readonly mapping: Pick<Mapping, 'keepPins'>
  readonly deadLetters: DeadLetterBox
}

const batchPoints = 5_000

/**
 * Writes what the database does not hold, or holds with another value. It changes no proof: a range of which the gateway
 * has only a part left stays proven by what it once gave. If it ends in between, writing again changes nothing (law 4).
 * Resolves to the number of points that the database has taken.
 */
export function createRepair({ sink, mapping, deadLetters }: RepairParts) {
  return async (points: readonly Point[], request: DataLogRequest, signal: AbortSignal): Promise<number> => {
    mapping.keepPins()
    const letters = deadLetters.draft(request)
    let taken = 0
    try {
      for (let i = 0; i < points.length; i += batchPoints) {
        const { written, rejected } = await sink.write(points.slice(i, i + batchPoints), signal)
        taken += written
        for (const { point, code, reason, partly } of rejected)
          letters.add({
            reason: code,
            detail: reason,
            datapoint: seriesLabel(point.series),
            point: pointJson(point),
            ...(partly === true && { partly }),
          })
      }
      letters.commit()
      return taken
    } finally {
      letters.close()
    }
  }
}
