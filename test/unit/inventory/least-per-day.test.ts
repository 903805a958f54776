import { expect, test } from 'vitest'
import { leastPerDay } from '../../../src/inventory/density.ts'
import type { Device, LogRule } from '../../../src/smartserver/discovery.ts'

const device = { id: '1', name: 'Meter 1', type: 'Meter' } as Device
const rule = (path: string, interval: number, skips?: boolean): LogRule => ({
  type: 'Meter',
  path,
  levels: [{ interval, retention: 14 }],
  skips,
})

test.each<[string, LogRule[], object, number | undefined]>([
  ['one rule', [rule('EnergyMeter/0/nvoPower', 300)], { xif: 'nvoPower' }, 288],
  [
    'the sparsest rule that an instance name may fit',
    [rule('EnergyMeter/0/a', 300), rule('EnergyMeter/0/b', 900)],
    { name: 'Total' },
    96,
  ],
  ['nothing of what logs every update', [rule('EnergyMeter/0/nvoPower', 0)], { xif: 'nvoPower' }, undefined],
  ['nothing of what skips small changes', [rule('EnergyMeter/0/nvoPower', 300, true)], { xif: 'nvoPower' }, undefined],
])('%s', (_, rules, point, perDay) => {
  const selector = { device: { name: 'Meter 1' }, block: 'EnergyMeter', index: 0, point } as const
  expect(leastPerDay(selector as never, [device], rules)).toBe(perDay)
})
