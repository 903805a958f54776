import { DateTime } from 'luxon'
import type { QuietHours } from '../domain/quiet-hours.ts'

/** When the quiet hours that hold `now` end, ms UTC; undefined outside of them. By the wall clock of the zone, DST and all. */
export function quietUntil(now: number, { from, until }: QuietHours, zone: string): number | undefined {
  const local = DateTime.fromMillis(now, { zone })
  const minute = local.hour * 60 + local.minute
  const isOverMidnight = from > until
  const isQuiet = isOverMidnight ? minute >= from || minute < until : minute >= from && minute < until
  if (!isQuiet) return undefined
  const day = isOverMidnight && minute >= from ? local.plus({ days: 1 }) : local
  return day
    .startOf('day')
    .set({ hour: Math.floor(until / 60), minute: until % 60 })
    .toMillis()
}
