/** Units from the largest to the smallest, in milliseconds: a text names each at most once, in this order. */
const units = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const

export const { s: second, m: minute, h: hour, d: day } = units

export const durationPattern = /^(?:0|(?=\d)(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?)$/

/** Milliseconds of `500ms`, `5m`, `90d`, `1h30m`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined
  let sum = 0
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[wdhms])/g))
    sum += Number(count) * units[unit as keyof typeof units]
  return Number.isSafeInteger(sum) ? sum : undefined
}

/** The shortest text that people read at a glance: days rather than weeks, `1h30m` rather than `90m`. */
export function durationText(ms: number): string {
  let left = ms
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(left / units[unit])
    if (count > 0) text += `${count}${unit}`
    left -= count * units[unit]
  }
  return text === '' ? '0s' : text
}
