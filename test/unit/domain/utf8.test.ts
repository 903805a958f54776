import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeUtf8 } from '../../../src/domain/utf8.ts'
import { runs } from '../../support/runs.ts'

const text = 'gateways:\n  Süd: 電力\n'

test('UTF-8 is read, with a byte order mark or without', () => {
  expect(decodeUtf8(Buffer.from(text))).toBe(text)
  expect(decodeUtf8(Buffer.from(`\ufeff${text}`))).toBe(`\ufeff${text}`)
  expect(decodeUtf8(Buffer.alloc(0))).toBe('')
})

test.each([
  ['Latin-1', Buffer.from('a: b\nbuilding: Gebäude Süd\n', 'latin1'), 2, 14, 18, /0xE4.*Latin-1/],
  ['a sign that is cut off', Buffer.from('a\nü').subarray(0, 3), 2, 1, 2, /0xC3/],
  ['a cut sign before a line end', Buffer.from([0x61, 0xe2, 0x82, 0x0a, 0x62]), 1, 2, 1, /0xE2/],
  ['a surrogate in UTF-8', Buffer.from([0x61, 0xed, 0xa0, 0x80]), 1, 2, 1, /0xED/],
  ['UTF-16 with a mark', Buffer.from(`\ufeff${text}`, 'utf16le'), 1, 1, 0, /UTF-16 LE/],
  ['UTF-16 without one', Buffer.from('time,device', 'utf16le'), 1, 1, 0, /UTF-16 LE/],
  ['UTF-16 of big ends', Buffer.from('time,device', 'utf16le').swap16(), 1, 1, 0, /UTF-16 BE/],
])('%s is refused at its place', (_, bytes, line, column, offset, message) => {
  expect(decodeUtf8(bytes)).toEqual({ line, column, offset, message: expect.stringMatching(message) })
})

test('whatever bytes come, they are a text or have a place', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      const read = decodeUtf8(bytes)
      if (typeof read === 'string') return
      expect(read.offset).toBeLessThan(Math.max(1, bytes.length))
      expect(read.line).toBe(read.offset === 0 ? 1 : 1 + bytes.subarray(0, read.offset).filter(it => it === 10).length)
    }),
    { numRuns: runs(2000) },
  )
})
