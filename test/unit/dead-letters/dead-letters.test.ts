import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StatementSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { DeadLetterBox } from '../../../src/dead-letters/dead-letters.ts'
import { readLetters } from '../../../src/dead-letters/letter-lines.ts'
import { Failure } from '../../../src/domain/failure.ts'
import type { DataLogRequest } from '../../../src/domain/request.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const request: DataLogRequest = { gateway: 'plant-a', selectors: [{}], range: { after: 0, until: 60_000 } }
const letter = { reason: 'not-json', detail: 'the frame is not JSON', raw: '{"id": 4"\n' }

function openBox() {
  const folder = join(temporaryFolder(), 'dead-letters')
  const clock = steeredClock(Date.UTC(2026, 0, 31, 23, 59, 59))
  return { box: new DeadLetterBox({ path: folder, maxSize: 1e9 }, clock), folder, clock }
}

function lettersIn(folder: string): Record<string, unknown>[] {
  const files = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.ndjson')) : []
  return files
    .sort()
    .flatMap(name => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    .map(line => JSON.parse(line))
}

describe('dead letters', () => {
  it('make no folder and no file while there are none', () => {
    const { box, folder } = openBox()
    const draft = box.draft(request)
    draft.commit()
    draft.close()
    box.sweep()
    expect(existsSync(folder)).toBe(false)
  })

  it('are not seen until committed; then with all that is needed to try again', () => {
    const { box, folder } = openBox()
    const draft = box.draft(request)
    draft.add(letter)
    draft.add({ ...letter, raw: 'ä €' })
    expect(lettersIn(folder)).toEqual([])
    draft.commit()
    draft.close()
    const context = {
      at: '2026-01-31T23:59:59.000Z',
      gateway: 'plant-a',
      after: '1970-01-01T00:00:00.000Z',
      until: '1970-01-01T00:01:00.000Z',
      asked: '*/*/*/*',
    }
    expect(lettersIn(folder)).toEqual([
      { ...context, ...letter },
      { ...context, ...letter, raw: 'ä €' },
    ])
    expect(readdirSync(folder)).toEqual(['2026-01-31.ndjson'])
  })

  it('of a transfer that was given up leave nothing', () => {
    const { box, folder } = openBox()
    const draft = box.draft(request)
    draft.add(letter)
    draft.close()
    draft.close()
    expect(readdirSync(folder)).toEqual([])
  })

  it('of transfers that run side by side stay apart', () => {
    const { box, folder } = openBox()
    const [first, second] = [box.draft(request), box.draft({ ...request, gateway: 'plant-b' })]
    first.add(letter)
    second.add(letter)
    second.commit()
    first.close()
    second.close()
    expect(lettersIn(folder).map(({ gateway }) => gateway)).toEqual(['plant-b'])
  })

  it('are gathered by the day they were committed', () => {
    const { box, folder, clock } = openBox()
    for (const ms of [0, 1_000]) {
      clock.advance(ms)
      const draft = box.draft(request)
      draft.add({ ...letter, raw: String(ms) })
      draft.commit()
      draft.close()
    }
    expect(readdirSync(folder).sort()).toEqual(['2026-01-31.ndjson', '2026-02-01.ndjson'])
  })

  it('by the thousand are kept to the last byte', () => {
    const { box, folder } = openBox()
    const draft = box.draft(request)
    for (let i = 0; i < 3_000; i++) draft.add({ ...letter, raw: `${i} ${'é'.repeat(150)}` })
    draft.commit()
    draft.close()
    expect(lettersIn(folder).map(({ raw }) => Number.parseInt(String(raw), 10))).toEqual(
      Array.from({ length: 3_000 }, (_, i) => i),
    )
  })

  it('are readable by their owner only', () => {
    const { box, folder } = openBox()
    const draft = box.draft(request)
    draft.add(letter)
    const modes = () => readdirSync(folder).map(name => statSync(join(folder, name)).mode & 0o777)
    expect(modes()).toEqual([0o600])
    draft.commit()
    draft.close()
    expect(modes()).toEqual([0o600])
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('of a process that was killed are swept; committed ones are not', () => {
    const { box, folder } = openBox()
    const killed = box.draft(request)
    killed.add(letter)
    const whole = box.draft(request)
    whole.add(letter)
    whole.commit()
    whole.close()
    box.sweep()
    expect(readdirSync(folder)).toEqual(['2026-01-31.ndjson'])
    killed.close()
  })

  it('begin on a line of their own after one that a crash cut off', async () => {
    const { box, folder } = openBox()
    mkdirSync(folder)
    const file = join(folder, '2026-01-31.ndjson')
    writeFileSync(file, '{"at":"2026-01-31T00:00:00.000Z","gatew')
    const draft = box.draft(request)
    draft.add(letter)
    draft.commit()
    draft.close()
    const kept: (string | undefined)[] = []
    for await (const { raw } of readLetters(file)) kept.push(raw)
    expect(kept).toEqual([letter.raw])
  })

  it('are whole, whatever separators their texts hold', async () => {
    const { box, folder } = openBox()
    const draft = box.draft(request)
    const raws = ['a\u2028b', 'a\u2029b', 'a\u0085b', 'a\r\nb', 'x'.repeat(200_000)]
    for (const raw of raws) draft.add({ ...letter, raw })
    draft.commit()
    draft.close()
    const kept: (string | undefined)[] = []
    for await (const { raw } of readLetters(join(folder, '2026-01-31.ndjson'))) kept.push(raw)
    expect(kept).toEqual(raws)
  })

  it('of one gateway take no room of another', () => {
    const { folder, clock } = openBox()
    const keep = (box: DeadLetterBox, gateway: string) => {
      const draft = box.draft({ ...request, gateway })
      for (let i = 0; i < 20; i++) draft.add({ ...letter, raw: `${i}${'x'.repeat(100)}` })
      draft.commit()
      draft.close()
    }
    keep(new DeadLetterBox({ path: folder, maxSize: 1e9 }, clock), 'noisy')
    const box = new DeadLetterBox({ path: folder, maxSize: 9_000 }, clock)
    const full = box.draft({ ...request, gateway: 'noisy' })
    const addMany = () => {
      for (let i = 0; i < 20; i++) full.add({ ...letter, raw: `more ${i}${'x'.repeat(100)}` })
    }
    expect(addMany).toThrow(expect.objectContaining({ code: 'dead-letters-full', reach: 'gateway' }))
    full.close()
    keep(box, 'quiet')
    expect(Object.fromEntries(Map.groupBy(lettersIn(folder), it => it['gateway']))).toMatchObject({
      quiet: { length: 20 },
    })
  })

  it('give a gateway up when there are too many of them, those of earlier runs counted too', () => {
    const { folder, clock } = openBox()
    let number = 0
    const keep = (box: DeadLetterBox, commit: boolean) => {
      const draft = box.draft(request)
      try {
        draft.add({ ...letter, raw: 'x'.repeat(1_000) + number++ })
        if (commit) draft.commit()
      } finally {
        draft.close()
      }
    }
    const options = { path: folder, maxSize: 3_700 }
    keep(new DeadLetterBox(options, clock), true)
    const box = new DeadLetterBox(options, clock)
    // given up: takes no room
    for (let i = 0; i < 9; i++) keep(box, false)
    for (let i = 0; i < 2; i++) keep(box, true)
    expect(() => keep(box, true)).toThrow(expect.objectContaining({ code: 'dead-letters-full', reach: 'gateway' }))
    expect(lettersIn(folder)).toHaveLength(3)
  })

  describe('of a range that is fetched again', () => {
    const keepAll = (box: DeadLetterBox, raws: readonly string[], more: Partial<DataLogRequest> = {}, about = {}) => {
      const draft = box.draft({ ...request, ...more })
      for (const raw of raws) draft.add({ ...letter, raw, ...about })
      draft.commit()
      draft.close()
    }
    const raws = (folder: string) => lettersIn(folder).map(({ raw }) => raw)

    it('are kept once, by this process and the next', () => {
      const { box, folder, clock } = openBox()
      keepAll(box, ['a', 'b'])
      keepAll(box, ['b', 'a', 'c'])
      clock.advance(86_400_000)
      const next = new DeadLetterBox({ path: folder, maxSize: 1e9 }, clock)
      keepAll(next, ['c', 'd', 'a'], { range: { after: 30_000, until: 90_000 } })
      expect(raws(folder)).toEqual(['a', 'b', 'c', 'd'])
    })

    it('are as many as there were at most, where they are alike', () => {
      const { box, folder } = openBox()
      keepAll(box, ['{}', '{}'])
      keepAll(box, ['{}', '{}', '{}'])
      keepAll(box, ['{}', '{}'])
      expect(raws(folder)).toEqual(['{}', '{}', '{}'])
    })

    it('are not mistaken for those of another time, gateway, reason or device', () => {
      const { box, folder } = openBox()
      keepAll(box, ['{}'])
      keepAll(box, ['{}'], { range: { after: 60_000, until: 120_000 } })
      keepAll(box, ['{}'], { gateway: 'plant-b' })
      keepAll(box, ['{}'], { selectors: [{ device: { name: 'Sensor 1' } }] })
      keepAll(box, ['{}'], {}, { reason: 'no-utc' })
      expect(raws(folder)).toHaveLength(5)
      // one whose datapoint is known is the same however it was asked for
      keepAll(box, ['x'], {}, { datapoint: 'a/b/0/c' })
      keepAll(box, ['x'], { selectors: [{ device: { name: 'a' } }] }, { datapoint: 'a/b/0/c' })
      expect(raws(folder)).toHaveLength(6)
    })

    it('are kept again where a person has taken them away', () => {
      const { box, folder } = openBox()
      keepAll(box, ['a', 'b'])
      writeFileSync(join(folder, '2026-01-31.ndjson'), '')
      keepAll(box, ['a'])
      expect(raws(folder)).toEqual(['a'])
    })

    it('are not taken for kept by a transfer that was given up', () => {
      const { box, folder } = openBox()
      const draft = box.draft(request)
      draft.add(letter)
      draft.close()
      keepAll(box, [letter.raw])
      expect(raws(folder)).toEqual([letter.raw])
    })

    it('take no room: a box that is nearly full goes on', () => {
      const { folder, clock } = openBox()
      const box = new DeadLetterBox({ path: folder, maxSize: 30_000 }, clock)
      const many = Array.from({ length: 100 }, (_, i) => `frame ${i}`)
      for (let i = 0; i < 5; i++) keepAll(box, many)
      expect(raws(folder)).toEqual(many)
    })

    it('cost three statements each, however many they are', async () => {
      const { box, folder, clock } = openBox()
      const many = Array.from({ length: 3_000 }, (_, i) => (i % 2 === 0 ? '{}' : `frame ${i}`))
      keepAll(box, many)
      const next = new DeadLetterBox({ path: folder, maxSize: 1e9 }, clock)
      const runs = vi.spyOn(StatementSync.prototype, 'run')
      const gets = vi.spyOn(StatementSync.prototype, 'get')
      onTestFinished(() => {
        runs.mockRestore()
        gets.mockRestore()
      })
      await next.learn(new AbortController().signal)
      keepAll(next, many)
      // one to learn it, one to find it, one to claim it; and a few for the requests that brought them
      expect(runs.mock.calls.length + gets.mock.calls.length).toBeLessThan(3 * many.length + 50)
      expect(raws(folder)).toHaveLength(many.length)
    })
  })

  it('that cannot be kept stop the run', () => {
    const { box, folder } = openBox()
    // a file stands where the folder should be
    writeFileSync(folder, '')
    let failure: unknown
    try {
      box.draft(request).add(letter)
    } catch (error) {
      failure = error
    }
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code: 'dead-letters-failed', retry: 'never', reach: 'run' })
  })
})
