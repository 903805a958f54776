import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DeadLetterBox } from '../../../src/dead-letters/dead-letters.ts'
import { chosenLetters, discardLetters } from '../../../src/dead-letters/discard.ts'
import { readLetters } from '../../../src/dead-letters/letter-lines.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const never = new AbortController().signal
const minute = 60_000
const always = { after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }
const notJson = { reason: 'not-json', detail: 'the frame is not JSON' }

function openLetters() {
  const folder = join(temporaryFolder(), 'dead-letters')
  const clock = steeredClock(Date.UTC(2026, 0, 31))
  const open = (maxSize = 1e9) => new DeadLetterBox({ path: folder, maxSize }, clock)
  /** A letter for each raw frame, brought by a request for one minute. */
  function bring(box: DeadLetterBox, gateway: string, at: number, raws: readonly string[], reason = 'not-json') {
    const draft = box.draft({ gateway, selectors: [{}], range: { after: at, until: at + minute } })
    for (const raw of raws) draft.add({ ...notJson, reason, raw })
    draft.commit()
    draft.close()
  }
  const discard = (choice: object, reason: string) =>
    discardLetters(folder, { range: always, ...choice }, { at: clock.now(), reason }, never)
  const file = join(folder, '2026-01-31.ndjson')
  return { folder, file, open, bring, discard }
}

describe('dead letters that are discarded', () => {
  it('are missing no more, and are counted by the reason that was given', async () => {
    const { folder, open, bring, discard } = openLetters()
    const box = open()
    bring(box, 'a', 0, ['x', 'y'])
    bring(box, 'a', 5 * minute, ['z'])
    bring(box, 'b', 0, ['x'])
    box.close()
    expect(await chosenLetters(folder, { gateway: 'a', range: always })).toEqual([
      { gateway: 'a', code: 'not-json', count: 3 },
    ])
    expect(await discard({ gateway: 'a', range: { after: 0, until: minute } }, 'test frames')).toEqual([
      { gateway: 'a', code: 'not-json', count: 2 },
    ])
    const later = open()
    expect(later.count(['a', 'b'], always)).toEqual({ open: 2, discarded: [{ reason: 'test frames', entries: 2 }] })
    expect(later.count(['a'], { after: 0, until: minute })).toEqual({
      open: 0,
      discarded: [{ reason: 'test frames', entries: 2 }],
    })
    expect(later.count(['a'], { after: 5 * minute, until: 6 * minute })).toEqual({ open: 1, discarded: [] })
    expect(await discard({ gateway: 'a', range: { after: 0, until: minute } }, 'again')).toEqual([])
  })

  it('keep their text, when they were discarded and why; lines that are no letters stay byte for byte', async () => {
    const { file, open, bring, discard } = openLetters()
    const box = open()
    bring(box, 'a', 0, ['x'])
    bring(box, 'a', 0, ['y'], 'type')
    box.close()
    writeFileSync(file, '{"at":"2026-01-3', { flag: 'a' })
    await discard({ code: 'type' }, 'a wrong unit')
    const letters = []
    for await (const letter of readLetters(file)) letters.push(letter)
    const discarded = { at: '2026-01-31T00:00:00.000Z', reason: 'a wrong unit' }
    expect(letters).toMatchObject([{ raw: 'x' }, { raw: 'y', reason: 'type', discarded }])
    expect(letters[0]!.discarded).toBeUndefined()
    expect(readFileSync(file, 'utf8')).toContain('{"at":"2026-01-3\n')
  })

  it('are not brought anew when their range is fetched again; others of the same range are', async () => {
    const { open, bring, discard } = openLetters()
    const first = open()
    bring(first, 'a', 0, ['x', 'x'])
    first.close()
    await discard({}, 'known nonsense')
    const second = open()
    bring(second, 'a', 0, ['x', 'x', 'x', 'new'])
    expect(second.count(['a'], always)).toEqual({ open: 2, discarded: [{ reason: 'known nonsense', entries: 2 }] })
  })

  it('make room for others', async () => {
    const { open, bring, discard } = openLetters()
    const full = open(700)
    bring(full, 'a', 0, ['x'.repeat(400)])
    expect(() => bring(full, 'a', minute, ['y'.repeat(400)])).toThrow('share of deadLetters.maxSize')
    full.close()
    await discard({}, 'known nonsense')
    const box = open(700)
    bring(box, 'a', minute, ['y'.repeat(400)])
    expect(box.count(['a'], always).open).toBe(1)
  })
})
