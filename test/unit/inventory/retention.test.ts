import { expect, test } from 'vitest'
import { createRetention } from '../../../src/inventory/retention.ts'
import type { Device, LogRule } from '../../../src/smartserver/discovery.ts'

const dayMs = 86_400_000
const lamp: Device = { id: '1', name: 'Lamp', did: undefined, type: 'Lamp', state: undefined, health: undefined }

test('how long a group is kept is worked out once, however often it is asked for', () => {
  let looks = 0
  const rule: LogRule = {
    type: 'Lamp',
    path: 'Lamp/0/nvoValue',
    get levels() {
      looks++
      return [60, 14].map(retention => ({ interval: 60, retention }))
    },
  }
  const retention = createRetention([lamp], [rule])
  const [group, unknown] = [[{ device: { name: 'Lamp' } }], [{ device: { name: 'Meter' } }]]
  for (let i = 0; i < 3; i++) {
    expect(retention(group)).toBe(14 * dayMs)
    expect(retention(unknown)).toBeUndefined()
  }
  expect(looks).toBe(1)
})
