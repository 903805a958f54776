/** So many signs of a difference are shown. */
const mostSigns = 4

/**
 * Where two texts differ, by code points: undefined where people can see it. `ä` may be one sign or two, a Cyrillic `а`
 * looks like a Latin one, and a blank may be another one or have no width.
 */
export function hiddenDifference(has: string, meant: string): { has: string; meant: string } | undefined {
  const [a, b] = [[...has], [...meant]]
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  let end = 0
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++
  // the letter that a mark belongs to
  if (start > 0 && [a[start], b[start]].some(sign => sign !== undefined && /\p{M}/u.test(sign))) start--
  const parts = [a.slice(start, a.length - end), b.slice(start, b.length - end)] as const
  if (parts.every(part => part.every(sign => /[!-~]/.test(sign)))) return undefined
  return { has: codePoints(parts[0]), meant: codePoints(parts[1]) }
}

function codePoints(signs: readonly string[]): string {
  if (signs.length === 0) return 'nothing'
  const shown = signs
    .slice(0, mostSigns)
    .map(sign => `U+${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`)
  return `${shown.join(' ')}${signs.length > mostSigns ? ' …' : ''}`
}
