import { describe, expect, it } from 'vitest'
import { createBatchSize } from '../../../src/sinks/influxdb/batch-writer.ts'

describe('the size of a batch', () => {
  it('grows to 20,000 lines while the database is quick', () => {
    const size = createBatchSize()
    expect(size.lines).toBe(10_000)
    for (let i = 0; i < 10; i++) size.took(size.lines, 50)
    expect(size.lines).toBe(20_000)
  })

  it('does not grow because small batches are quick', () => {
    const size = createBatchSize()
    for (let i = 0; i < 10; i++) size.took(100, 1)
    expect(size.lines).toBe(10_000)
  })

  it('shrinks for a slow database, but not to single lines, and recovers', () => {
    const size = createBatchSize()
    for (let i = 0; i < 20; i++) size.took(size.lines, 60_000)
    expect(size.lines).toBe(500)
    for (let i = 0; i < 20; i++) size.took(size.lines, 50)
    expect(size.lines).toBe(20_000)
  })

  it('never again becomes what was too large', () => {
    const size = createBatchSize()
    size.tooLarge(8_000)
    for (let i = 0; i < 20; i++) size.took(size.lines, 50)
    expect(size.lines).toBe(4_000)
    size.tooLarge(2)
    size.took(1, 60_000)
    expect(size.lines).toBe(1)
  })
})
