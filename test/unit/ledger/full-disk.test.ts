import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { DeadLetterBox } from '../../../src/dead-letters/dead-letters.ts'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { type Ledger, openLedger, openLedgerReadOnly } from '../../../src/ledger/ledger.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** A separate disk of 256 KiB; undefined where this user may not mount one. */
function smallDisk(): string | undefined {
  const folder = temporaryFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    console.log(`skipped, no small disk can be mounted here: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  return folder
}

function fill(folder: string): void {
  try {
    writeFileSync(join(folder, 'fill'), Buffer.alloc(300_000))
  } catch {
    // full, as it shall be
  }
}

const place = { sink: 's', gateway: 'plant-a' }

function complete(ledger: Ledger, selector: Selector): void {
  ledger.complete({
    sink: place.sink,
    request: { gateway: place.gateway, selectors: [selector], range: { after: 0, until: 10 } },
    provisional: false,
    receipt: emptyReceipt(),
    points: [3],
    window: { group: '*', ms: 1 },
  })
}

it('a full disk stops the run, and what was recorded stays', context => {
  const folder = smallDisk()
  if (folder === undefined) return context.skip()
  const path = join(folder, 'ledger.db')
  const ledger = openLedger(path, steeredClock())
  ledger.owner.take('backfill')
  complete(ledger, { index: 0 })
  fill(folder)

  let failure: unknown
  let recorded = 0
  try {
    while (recorded < 5_000) complete(ledger, { index: ++recorded })
  } catch (error) {
    failure = error
  }
  expect(failure).toBeInstanceOf(Failure)
  expect(failure).toMatchObject({ code: 'ledger-failed', retry: 'never', reach: 'run' })

  const covered = (from: Ledger) => {
    const selectors = Array.from({ length: recorded + 1 }, (_, index) => ({ index }))
    const coverage = from.coverage.of(place, selectors)
    return selectors.map(selector => coverage.get(selector)!.final.length)
  }
  const all = [...Array.from({ length: recorded }, () => 10), 0]
  expect(covered(ledger)).toEqual(all)
  // closing does not hide the reason behind a second one
  ledger.close()
  const again = openLedgerReadOnly(path, steeredClock())
  expect(covered(again)).toEqual(all)
  again.close()
})

it('a full disk lets no dead letter be lost in silence', context => {
  const folder = smallDisk()
  if (folder === undefined) return context.skip()
  const box = new DeadLetterBox({ path: join(folder, 'dead-letters'), maxSize: 1e9 }, steeredClock())
  const draft = box.draft({ gateway: 'plant-a', selectors: [{}], range: { after: 0, until: 1 } })
  onTestFinished(() => draft.close())
  const raw = 'x'.repeat(1_500)
  const addAll = () => {
    for (let i = 0; i < 1_000; i++) draft.add({ reason: 'not-json', detail: 'the frame is not JSON', raw })
  }
  expect(addAll).toThrow(Failure)
})
