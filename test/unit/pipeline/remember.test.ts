import { expect, onTestFinished, test } from 'vitest'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { rememberRetention } from '../../../src/pipeline/remember.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const dayMs = 86_400_000
const [lux, temp, other] = ['Lux', 'Temp', 'Other'].map(name => ({ device: { name } }))

test('how long a gateway keeps its log is remembered when it was read, and not worked out anew on each pass', () => {
  const clock = steeredClock()
  const ledger = openLedger(':memory:', clock)
  onTestFinished(() => ledger.close())
  let asked = 0
  let retentionReadAt: number | undefined
  let days = 30
  const source = {
    ...scriptedGateway({ now: clock.now }),
    retentionReadAt: () => retentionReadAt,
    retentionOf: ([selector]: readonly unknown[]) => {
      asked++
      return selector === other ? undefined : days * dayMs
    },
  }
  const pass = () => rememberRetention({ source, selectors: [lux!, temp!, other!] }, ledger)
  pass()
  expect(ledger.memory.retentions('plant-a')).toBeUndefined()
  retentionReadAt = clock.now()
  for (let i = 0; i < 3; i++) pass()
  expect(asked).toBe(3)
  const told = ledger.memory.retentions('plant-a')!
  expect(told.at).toBe(retentionReadAt)
  expect([lux!, temp!, other!].map(told.of)).toEqual([30 * dayMs, 30 * dayMs, undefined])
  days = 10
  retentionReadAt += dayMs
  pass()
  expect(ledger.memory.retentions('plant-a')?.of(lux!)).toBe(10 * dayMs)
})
