import { expect, it } from 'vitest'
import { Remarks } from '../../../src/domain/remark.ts'

it('remarks are gathered by datapoint and kind, with the first five different texts', () => {
  const remarks = new Remarks()
  for (let i = 0; i < 20; i++) remarks.add('a', { kind: 'unmapped', text: `text ${i % 7}` })
  remarks.add('a', { kind: 'rounded', text: '9007199254740993' })
  expect(remarks.all()).toEqual([
    { datapoint: 'a', kind: 'unmapped', entries: 20, texts: ['text 0', 'text 1', 'text 2', 'text 3', 'text 4'] },
    { datapoint: 'a', kind: 'rounded', entries: 1, texts: ['9007199254740993'] },
  ])
})

it('neither many datapoints nor long texts take more memory than is bounded', () => {
  const remarks = new Remarks()
  for (let i = 0; i < 5_000; i++) remarks.add(String(i), { kind: 'unmapped', text: 'x'.repeat(1_000) })
  const all = remarks.all()
  expect(all).toHaveLength(1_000)
  expect(all[0]!.texts[0]).toHaveLength(100)
})
