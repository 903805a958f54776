/** Keys in order, floats with a point, times in UTC without a Z and with the digits they have. */
export function jsonl(row: object): string {
  const cells = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))
  const texts = cells.map(([key, value]) => {
    const text =
      typeof value === 'bigint'
        ? key === 'time'
          ? JSON.stringify(timeText(value))
          : String(value)
        : typeof value === 'number'
          ? floatText(value)
          : JSON.stringify(value)
    return `${JSON.stringify(key)}:${text}`
  })
  return `{${texts.join(',')}}`
}

function floatText(value: number): string {
  const text = String(value).replace('e+', 'e')
  return /^-?\d+$/.test(text) ? `${text}.0` : text.replace(/^(-?\d+)e/, '$1.0e')
}

function timeText(ns: bigint): string {
  const whole = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  const rest = String(ns % 1_000_000_000n).padStart(9, '0')
  if (/^0+$/.test(rest)) return whole
  return `${whole}.${rest.replace(/(?:000){1,2}$/, '')}`
}
