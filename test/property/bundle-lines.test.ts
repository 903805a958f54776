import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DeadLetterBox } from '../../src/dead-letters/dead-letters.ts'
import { Failure } from '../../src/domain/failure.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { loadBundle } from '../../src/pipeline/load-bundle.ts'
import { readManifest } from '../../src/sinks/bundle/manifest.ts'
import { damaged, nonsense } from '../support/damaged-json.ts'
import { runs } from '../support/runs.ts'
import { scriptedSink } from '../support/scripted-sink.ts'
import { steeredClock } from '../support/steered-clock.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { lineOf, packedAt, pointLine, signed, writeLines } from '../support/written-bundle.ts'

const never = new AbortController().signal
const good = pointLine(packedAt - 1_000)

/** A line in which some characters are others. */
const damagedText = fc
  .array(fc.tuple(fc.nat(good.length), fc.string({ maxLength: 3 })), { maxLength: 3 })
  .map(changes => changes.reduce((text, [at, other]) => text.slice(0, at) + other + text.slice(at + 1), good))

/** Nothing where it is no object. */
function membersOf(json: string): object {
  try {
    return Object(JSON.parse(json))
  } catch {
    return {}
  }
}

it('a bundle of any lines is loaded, or fails with what to do; what is recorded is what was written', async () => {
  const folder = temporaryFolder()
  const clock = steeredClock(packedAt)
  const ledger = openLedger(':memory:', clock)
  const deadLetters = new DeadLetterBox({ path: join(folder, 'dead-letters'), maxSize: 1e9 }, clock)
  let loaded = 0
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 1, arbitrary: fc.constant(good) }, { weight: 3, arbitrary: damagedText }),
      fc.string({ minLength: 1, maxLength: 5 }),
      damaged(lineOf({})),
      fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: nonsense }),
      async (content, id, entry, odd) => {
        const file = writeLines(folder, 'a.lp.gz', content)
        const texts = [JSON.stringify({ bundle: id }), odd ?? signed(1, { ...membersOf(entry), ...file })]
        writeFileSync(join(folder, 'manifest.ndjson'), `${texts.join('\n')}\n`)
        const sink = scriptedSink()
        try {
          readManifest(folder, clock.now())
          const parts = { sink: { ...sink, id }, ledger, deadLetters, clock }
          const outcome = await loadBundle(folder, parts, { askedHere: new Set() }, () => {}, never)
          expect(outcome.receipt.written).toBe(sink.stored.size)
          loaded += outcome.loaded
        } catch (error) {
          if (!(error instanceof Failure)) throw error
          expect(error.code).not.toBe('unexpected')
          expect(error.advice).toBeTruthy()
        }
      },
    ),
    { numRuns: runs(1_000), seed: 13 },
  )
  expect(loaded).toBeGreaterThan(0)
  deadLetters.close()
  ledger.close()
}, 60_000)
