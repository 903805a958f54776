/**
 * What steers a terminal, ends a line, turns the order of the text around it, or cannot be written as UTF-8. All other
 * signs that show nothing stay: scripts and emoji need some of them.
 */
const steering = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/**
 * The text as one line that shows what is in it: `\u001b` in place of an escape sign. JSON stays the same JSON by this,
 * since these are its escapes too. A tab stays.
 */
export function visible(text: string): string {
  return text.replace(steering, sign => (sign === '\t' ? sign : escaped(sign)))
}

/** True for text that is not shown as it is. */
export function isSteering(text: string): boolean {
  return visible(text) !== text
}

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
}
