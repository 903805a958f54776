import { Duration } from 'luxon'
import type { TimeRange } from '../domain/range.ts'

const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `1,234,567`. */
export function countText(count: number): string {
  return numbers.format(count)
}

/** `1 request`, `2 requests`. */
export function countOf(count: number, noun: string, nouns = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : nouns}`
}

/** A count in its column, and what it is of. */
export function countRow(count: number, words: string): string {
  return `${countText(count).padStart(13)}  ${words}`
}

/** The rows that count anything. */
export function countRows(rows: readonly (readonly [number, string])[]): string[] {
  return rows.filter(([count]) => count > 0).map(([count, words]) => countRow(count, words))
}

/** Wall time for a person: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function tookText(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const units = Duration.fromMillis(Math.round(ms / 1000) * 1000).shiftTo('days', 'hours', 'minutes', 'seconds')
  const named: [number, string][] = [
    [units.days, 'd'],
    [units.hours, 'h'],
    [units.minutes, 'min'],
    [units.seconds, 's'],
  ]
  const first = named.findIndex(([value]) => value > 0)
  return named
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** `100 %` only if it really is all. */
export function shareText(share: number): string {
  if (share >= 1) return '100 %'
  return `${Math.min(99, Math.floor(share * 100))} %`
}

/** `2026-01-31 07:05` UTC. */
export function minuteText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

/** `2026-01-31 07:05 … 2026-02-01 00:00` UTC. */
export function rangeText({ after, until }: TimeRange): string {
  return `${minuteText(after)} … ${minuteText(until)}`
}

/** A clock's difference to this host's. */
export function offsetText(ms: number): string {
  if (Math.abs(ms) < 2_000) return "as this host's, to about a second"
  return `${tookText(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'} this host's`
}

/** `about 1,230,000`: an estimate shows three digits, and none that it does not have. */
export function aboutText(count: number): string {
  const grain = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, count))) - 2)
  return `about ${countText(Math.round(count / grain) * grain)}`
}

/** `0.4 MB`, `12 MB`, `1.5 GB`. */
export function bytesText(bytes: number): string {
  const [value, unit] = bytes < 999.5e6 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB']
  return `${value < 9.95 ? value.toFixed(1) : countText(value)} ${unit}`
}
