import { expect, test } from 'vitest'
import { addToManifest, makeManifest, readManifest } from '../../../src/sinks/bundle/manifest.ts'
import type { ManifestEntry } from '../../../src/sinks/bundle/manifest-line.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const entry = (hour: number): ManifestEntry => ({
  at: now,
  gateway: 'g',
  selectors: [{}],
  after: now - (hour + 1) * 3_600_000,
  until: now - hour * 3_600_000,
  provisional: false,
  received: 0,
  written: 0,
  series: [[]],
})

test('a process that wakes after another took its bundle over makes no line look missing', () => {
  const folder = temporaryFolder()
  const asleep = { folder, last: makeManifest(folder, now).last }
  addToManifest(asleep, entry(1))
  const taker = { folder, last: readManifest(folder, now).last }
  for (const hour of [2, 3, 4]) addToManifest(taker, entry(hour))
  addToManifest(asleep, entry(5))
  addToManifest(taker, entry(6))
  const { count, faults, last } = readManifest(folder, now)
  expect({ count, faults }).toEqual({ count: 6, faults: [] })
  addToManifest({ folder, last }, entry(7))
  expect(readManifest(folder, now)).toMatchObject({ count: 7, faults: [], last: last + 1 })
})

test('a line that is missing is missed, also beside one that was written late', () => {
  const folder = temporaryFolder()
  const list = { folder, last: makeManifest(folder, now).last }
  addToManifest(list, entry(1))
  addToManifest({ folder, last: list.last + 1 }, entry(2))
  addToManifest(list, entry(3))
  expect(readManifest(folder, now).faults).toEqual([expect.stringMatching(/^1 of its ranges are missing/)])
})
