import { expect, test } from 'vitest'
import { cookieOf } from '../../../src/smartserver/login.ts'

const date = 'Sat, 31 Jan 2026 12:00:00 GMT'

test.each<[string, string[], string | undefined]>([
  ['none', [], undefined],
  ['one', ['cmsSID=a; Path=/; Secure'], 'cmsSID=a'],
  ['others too', ['theme=dark', 'cmsSID=a', 'xcmsSID=b'], 'cmsSID=a'],
  ['cleared and then set', ['cmsSID=deleted; Max-Age=0', 'cmsSID=a'], 'cmsSID=a'],
  ['set twice', ['cmsSID=a', 'cmsSID=b'], 'cmsSID=b'],
  ['set and then cleared', ['cmsSID=a', 'cmsSID=deleted; expires=Thu, 01 Jan 1970 00:00:00 GMT'], undefined],
  ['expired a moment before the answer', [`cmsSID=a; Expires=${date}`], undefined],
  ['valid for an hour', ['cmsSID=a; Expires=Sat, 31 Jan 2026 13:00:00 GMT'], 'cmsSID=a'],
  ['of two terms', ['cmsSID=a; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60'], 'cmsSID=a'],
  ['with a negative age', ['cmsSID=a; max-age=-1'], undefined],
  ['with blanks', [' cmsSID = a=b ; Path=/'], 'cmsSID=a=b'],
  ['with an empty value', ['cmsSID='], undefined],
])('a session cookie: %s', (_, lines, cookie) => {
  expect(cookieOf({ 'set-cookie': lines, date }, 'cmsSID')).toBe(cookie)
})

test('without a date of the answer, 1970 is still a deletion', () => {
  const expires = (when: string) => cookieOf({ 'set-cookie': [`cmsSID=a; Expires=${when}`] }, 'cmsSID')
  expect(expires('Thu, 01 Jan 1970 00:00:01 GMT')).toBeUndefined()
  expect(expires('Sat, 31 Jan 2026 13:00:00 GMT')).toBe('cmsSID=a')
})
