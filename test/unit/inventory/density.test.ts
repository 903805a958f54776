import { describe, expect, it } from 'vitest'
import { loggedAmount } from '../../../src/inventory/density.ts'
import type { Device, LogRule } from '../../../src/smartserver/discovery.ts'

const device = (id: string, name: string, type: string): Device => ({
  id,
  name,
  did: undefined,
  type,
  state: undefined,
  health: undefined,
})
const devices = [device('1', 'Lamp 1', 'Lamp'), device('2', 'Lamp 2', 'Lamp'), device('3', 'Meter', 'Meter')]
const rule = (type: string, path: string, ...intervals: number[]): LogRule => ({
  type,
  path,
  levels: intervals.map(interval => ({ interval, retention: 14 })),
})
const rules = [
  rule('Lamp', 'Lamp/0/nvoValue', 60, 3600),
  rule('Lamp', 'Lamp/0/nvoHours', 3600),
  rule('Meter', 'Meter/0/nvoPower', 0, 3600),
]
const amount = (selector: Parameters<typeof loggedAmount>[0]) => loggedAmount(selector, devices, rules, 288)

describe('what the log rules let expect', () => {
  it('is an entry an interval of the finest level, of every device that is meant', () => {
    expect(amount({ device: { name: 'Lamp 1' } })).toEqual({ perDay: 1_440 + 24, irregular: 0 })
    expect(amount({})).toEqual({ perDay: 2 * (1_440 + 24), irregular: 1 })
  })

  it('leaves out how often a datapoint is logged that logs every update', () => {
    expect(amount({ device: { id: '3', as: 'Meter' } })).toEqual({ perDay: 0, irregular: 1 })
  })

  it('of one datapoint is that of one rule, the densest where an instance name may fit several', () => {
    const lamp = { device: { name: 'Lamp 2' }, block: 'Lamp', index: 0 }
    expect(amount({ ...lamp, point: { xif: 'nvoHours' } })).toEqual({ perDay: 24, irregular: 0 })
    expect(amount({ ...lamp, point: { name: 'Brightness' } })).toEqual({ perDay: 1_440, irregular: 0 })
  })

  it('is nothing of what is not logged', () => {
    expect(amount({ device: { name: 'Pump' } })).toEqual({ perDay: 0, irregular: 0 })
    expect(amount({ device: { name: 'Meter' }, block: 'Meter', index: 0, point: { xif: 'nvoOther' } })).toEqual({
      perDay: 0,
      irregular: 0,
    })
  })
})
