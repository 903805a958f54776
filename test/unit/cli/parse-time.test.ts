import { describe, expect, it } from 'vitest'
import { parseTime } from '../../../src/cli/parse-time.ts'
import { Failure } from '../../../src/domain/failure.ts'

const now = Date.UTC(2026, 0, 31, 12)

describe('a time on the command line', () => {
  it.each([
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2026-01-31T08:00', Date.UTC(2026, 0, 31, 8)],
    ['2026-01-31T08:00Z', Date.UTC(2026, 0, 31, 8)],
    ['2026-01-31T08:00:01.5Z', Date.UTC(2026, 0, 31, 8, 0, 1, 500)],
    ['2026-01-31T08:00+02:00', Date.UTC(2026, 0, 31, 6)],
    ['2026-01-31 08:00', undefined],
    ['30d', now - 30 * 86_400_000],
    ['90m', now - 90 * 60_000],
  ])('%s is read in UTC, whatever the zone of the host', (text, ms) => {
    if (ms === undefined) expect(() => parseTime(text, '--from', now)).toThrow(Failure)
    else expect(parseTime(text, '--from', now)).toBe(ms)
  })

  it.each([
    '',
    'yesterday',
    '31.01.2026',
    '2026-02-30',
    '2026-13-01',
    '-5d',
    '5 parsecs',
  ])('that reads "%s" is refused with the name of its option', text => {
    let failure: unknown
    try {
      parseTime(text, '--from', now)
    } catch (error) {
      failure = error
    }
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code: 'usage' })
    expect((failure as Failure).message).toContain('--from')
    expect((failure as Failure).advice).toBeTruthy()
  })
})
