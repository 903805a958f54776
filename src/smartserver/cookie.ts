type Headers = Readonly<Record<string, string | string[] | undefined>>

/**
 * `name=value` as a browser would send it back after this answer (RFC 6265): of several with one name the last counts, and
 * one that has expired is a deletion. Undefined: there is none.
 */
export function cookieOf(headers: Headers, name: string): string | undefined {
  const lines = [headers['set-cookie'] ?? []].flat()
  let found: string | undefined
  for (const line of lines) {
    const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
    const equals = pair.indexOf('=')
    if (equals === -1 || pair.slice(0, equals).trim() !== name) continue
    const value = pair.slice(equals + 1).trim()
    const hasExpired = isExpired(new Map(attributes.map(splitAttribute)), Date.parse(String(headers['date'])))
    found = value === '' || hasExpired ? undefined : `${name}=${value}`
  }
  return found
}

function splitAttribute(text: string): [string, string] {
  const [key = '', ...rest] = text.split('=')
  return [key.trim().toLowerCase(), rest.join('=').trim()]
}

/** `Max-Age` takes precedence over `Expires`, which is compared with the gateway's own clock. */
function isExpired(attributes: ReadonlyMap<string, string>, now: number): boolean {
  const age = attributes.get('max-age')
  if (age !== undefined && /^-?\d+$/.test(age)) return Number(age) <= 0
  const expires = Date.parse(attributes.get('expires') ?? '')
  // without a clock to compare with, only the customary 1970 is a deletion
  return expires <= (Number.isNaN(now) ? 86_400_000 : now)
}
