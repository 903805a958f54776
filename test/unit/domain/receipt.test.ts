import { describe, expect, it } from 'vitest'
import { addReceipt, emptyReceipt, isBalanced, type Receipt } from '../../../src/domain/receipt.ts'

const full: Receipt = {
  received: 21,
  outside: 1,
  foreign: 1,
  future: 1,
  duplicate: 2,
  collapsed: 1,
  rounded: 0,
  unmapped: 0,
  unheld: 0,
  tooOld: 1,
  empty: 3,
  written: 10,
  rejected: 5,
  bytes: 4_000,
  tookMs: 70,
}

describe('a receipt', () => {
  it('is balanced if every entry is accounted for once', () => {
    expect(isBalanced(emptyReceipt())).toBe(true)
    expect(isBalanced(full)).toBe(true)
  })

  it.each([
    'received',
    'outside',
    'duplicate',
    'empty',
    'written',
    'rejected',
  ] as const)('is not balanced if %s is off by one', part => {
    expect(isBalanced({ ...full, [part]: full[part] + 1 })).toBe(false)
    expect(isBalanced({ ...full, [part]: full[part] - 1 })).toBe(false)
  })

  it('does not count collapsed ones twice: they are among the duplicates', () => {
    expect(isBalanced({ ...full, collapsed: 2 })).toBe(true)
  })

  it('adds up part by part, and stays balanced', () => {
    const sum = emptyReceipt()
    addReceipt(sum, full)
    addReceipt(sum, full)
    for (const key of Object.keys(full) as (keyof Receipt)[]) expect(sum[key]).toBe(2 * full[key])
    expect(isBalanced(sum)).toBe(true)
  })
})
