import { DateTime } from 'luxon'

/** Daily hours, as minutes after midnight, in which a gateway is not asked for its log. `from` later than `until`: over midnight. */
export interface QuietHours {
  readonly from: number
  readonly until: number
}

/** `07:00-18:00`; undefined for anything else, and for hours that never end. */
export function parseQuietHours(text: string): QuietHours | undefined {
  const found = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text)
  if (found === null) return undefined
  const [fromHour, fromMinute, untilHour, untilMinute] = found.slice(1).map(Number)
  const hours = { from: fromHour! * 60 + fromMinute!, until: untilHour! * 60 + untilMinute! }
  return hours.from === hours.until ? undefined : hours
}

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
