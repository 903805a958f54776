import { type Point, pointKey } from '../domain/point.ts'
import type { EntryReader } from '../entries/entry-reader.ts'
import { contentOf } from './letter-content.ts'
import { letterFiles } from './letter-files.ts'
import { readLetters } from './letter-lines.ts'

/**
 * Which of these points a dead letter accounts for: none of it was ever in the database. Reads all letters: asked only
 * where points are missing.
 */
export async function pointsInLetters(
  points: readonly Point[],
  { folder, gateway, read }: { readonly folder: string; readonly gateway: string; readonly read: EntryReader },
): Promise<ReadonlySet<Point>> {
  const wanted = new Map(points.map(point => [pointKey(point), point]))
  const found = new Set<Point>()
  for (const path of letterFiles(folder))
    for await (const letter of readLetters(path)) {
      if (letter.gateway !== gateway || letter.partly === true) continue
      const content = contentOf(letter, read)
      const match = content !== undefined && 'point' in content ? wanted.get(pointKey(content.point)) : undefined
      if (match !== undefined) found.add(match)
    }
  return found
}
