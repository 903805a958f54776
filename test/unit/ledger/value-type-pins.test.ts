import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { isRejection } from '../../../src/domain/entry.ts'
import { type Ledger, openLedger } from '../../../src/ledger/ledger.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import { decodeEntry } from '../../../src/smartserver/entry.ts'
import { logFrame } from '../../support/log-frames.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const place = { sink: 's', gateway: 'plant-a' }

function openForTest(path: string): Ledger {
  const ledger = openLedger(path, steeredClock())
  onTestFinished(() => ledger.close())
  return ledger
}

it('a kind counts at once, and outlives the process once it is kept', () => {
  const path = join(temporaryFolder(), 'ledger.db')
  const ledger = openForTest(path)
  const pins = ledger.pins.of(place)
  pins.set('a/b/0/c', 'text')
  expect(pins.get('a/b/0/c')).toBe('text')
  expect(openForTest(path).pins.of(place).get('a/b/0/c')).toBeUndefined()
  pins.keep()
  expect(openForTest(path).pins.of(place).get('a/b/0/c')).toBe('text')
  expect(ledger.pins.of({ ...place, gateway: 'plant-b' }).get('a/b/0/c')).toBeUndefined()
  expect(ledger.pins.of({ ...place, sink: 'another' }).get('a/b/0/c')).toBeUndefined()
})

it('an entry of another kind is refused by every later run, until the configuration says otherwise', () => {
  const path = join(temporaryFolder(), 'ledger.db')
  const map = (value: unknown, rules: Parameters<typeof compileMapping>[1] = []) => {
    const mapping = compileMapping('plant-a', rules, openForTest(path).pins.of(place))
    const entry = decodeEntry(logFrame(0, { value }))
    if (isRejection(entry)) throw new Error('the frame is wrong')
    const point = mapping.map(entry)
    mapping.keepPins()
    return point
  }
  expect(map(1)).toMatchObject({ fields: { value: 1 } })
  expect(map('ON')).toMatchObject({ reason: 'type-changed' })
  const text = { selector: {}, measurement: 'datalog', field: undefined, tags: {}, type: 'text' } as const
  expect(map('ON', [text])).toMatchObject({ fields: { text: 'ON' } })
})
