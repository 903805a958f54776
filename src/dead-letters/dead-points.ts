import { isRejection } from '../domain/entry.ts'
import type { Point } from '../domain/point.ts'
import type { PointJson } from '../entries/letter-point.ts'
import { letterFiles } from '../ledger/letter-files.ts'
import { readLetters } from '../ledger/letter-lines.ts'
import type { Mapping } from '../points/mapping.ts'
import { decodeEntry } from '../smartserver/entry.ts'

/**
 * Which of these points a dead letter accounts for: none of it was ever in the database. Reads all letters: asked only
 * where points are missing.
 */
export async function pointsInLetters(
  points: readonly Point[],
  { folder, gateway, mapping }: { readonly folder: string; readonly gateway: string; readonly mapping: Mapping },
): Promise<ReadonlySet<Point>> {
  const wanted = new Map(points.map(point => [keyOf(point.series.measurement, point.series.tags, point.at), point]))
  const found = new Set<Point>()
  for (const path of letterFiles(folder))
    for await (const letter of readLetters(path)) {
      if (letter.gateway !== gateway || letter.partly === true) continue
      const key = letter.raw === undefined ? keyOfPoint(letter.point) : keyOfFrame(letter.raw, mapping)
      const point = key === undefined ? undefined : wanted.get(key)
      if (point !== undefined) found.add(point)
    }
  return found
}

function keyOfFrame(raw: string, mapping: Mapping): string | undefined {
  const entry = decodeEntry(raw)
  if (isRejection(entry)) return undefined
  const point = mapping.map(entry)
  if (point === undefined || 'reason' in point) return undefined
  return keyOf(point.series.measurement, point.series.tags, point.at)
}

function keyOfPoint(json: object | undefined): string | undefined {
  const { measurement, tags, at } = (json ?? {}) as Partial<PointJson>
  if (measurement === undefined || tags === undefined || at === undefined) return undefined
  return keyOf(measurement, new Map(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1))), at)
}

function keyOf(measurement: string, tags: ReadonlyMap<string, string>, { ms, nanos }: Point['at']): string {
  return JSON.stringify([measurement, [...tags], ms, nanos])
}
