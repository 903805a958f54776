import { isIPv4 } from 'node:net'
import { z } from 'zod'
import { durationPattern, durationText, parseDuration } from '../domain/duration.ts'
import { hiddenDifference } from '../domain/look-alike.ts'
import { nearest } from './nearest.ts'
import { secretFault } from './secret-text.ts'

/** A map whose keys are all known. One line of the message for each unknown key, in the order of the issue's `keys`. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: issue =>
      issue.code === 'unrecognized_keys' ? issue.keys.map(key => unknownKey(key, known)).join('\n') : undefined,
  })
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  const difference = near === undefined ? undefined : hiddenDifference(key, near)
  const signs = difference === undefined ? '' : ` (${difference.has} in place of ${difference.meant})`
  const named = `unknown key ${JSON.stringify(key)}${signs}`
  return near === undefined ? `${named}; known here: ${known.join(', ')}` : `${named}: did you mean "${near}"?`
}

/** Whole number. `${PORT}` gives text, so digits in text count as a number too. */
export function wholeNumber(range: { from: number; to: number }) {
  return z.preprocess(numberOfText, z.int().min(range.from).max(range.to))
}

export function numberOfText(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
}

/** Any finite number; `${OFFSET}` gives text, so that a number written as text counts too. */
export function anyNumber() {
  return z.preprocess(
    value => (typeof value === 'string' && /^-?\d{1,300}(\.\d{1,300})?$/.test(value) ? Number(value) : value),
    z.number(),
  )
}

export function yesOrNo() {
  return z.preprocess(value => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())
}

/** `500ms`, `5m`, `90d`, `1h30m`; milliseconds when parsed. The range becomes part of the description. */
export function duration({ from, to, text }: { from: number; to: number; text: string }) {
  const range = `${durationText(from)} to ${durationText(to)}`
  const example = 'expected a duration such as 500ms, 5m, 90d or 1h30m'
  return z
    .preprocess(
      value => (value === 0 ? '0' : value),
      z
        .string({ error: issue => (issue.input === undefined ? undefined : example) })
        .regex(durationPattern, { error: `${example} (units w, d, h, m, s, ms)` })
        .transform(value => parseDuration(value) ?? Number.POSITIVE_INFINITY)
        .refine(ms => ms >= from && ms <= to, { error: `must be from ${range}` }),
    )
    .describe(`${text} (${range})`)
}

const sizeUnits: Readonly<Record<string, number>> = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

/** `500KB`, `100MB`, `1GB`; bytes when parsed. */
export function size({ from, text }: { from: number; text: string }) {
  const example = 'expected a size such as 100MB or 1GB'
  return z
    .string({ error: issue => (issue.input === undefined ? undefined : example) })
    .regex(/^\d{1,6}(\.\d{1,3})? ?[KMGT]B$/, { error: `${example} (units KB, MB, GB, TB)` })
    .transform(value => Math.round(Number.parseFloat(value) * sizeUnits[value.slice(-2)]!))
    .refine(bytes => bytes >= from, { error: `must be at least ${from / 1e6}MB` })
    .describe(text)
}

/** `"0640"` as in chmod; its number when parsed. The program itself must be able to read and write. */
export function fileMode() {
  return z
    .preprocess(value => (typeof value === 'number' ? String(value) : value), z.string())
    .refine(text => /^0?[67][0-7]{2}$/.test(text), {
      error: 'expected a file mode in quotes such as "0600", "0640" or "0644", with 6 for the owner',
    })
    .transform(text => Number.parseInt(text, 8))
}

/** Any of several forms; `what` names them all for the message. */
export function oneOf<const Options extends readonly [z.ZodType, ...z.ZodType[]]>(what: string, options: Options) {
  return z.union(options, {
    error: ({ input }) => {
      if (input === undefined) return undefined
      const quotes = typeof input === 'number' || typeof input === 'boolean' ? ': put it in quotes' : ''
      return `expected ${what}${quotes}`
    },
  })
}

/** Text on one line: names are kept exactly as written, spaces and all. */
export function line() {
  return z
    .string()
    .min(1)
    .refine(text => !/\p{Cc}/u.test(text), { error: 'must be one line without control characters' })
}

/** What InfluxDB can store as a tag: an ending backslash would escape the sign after it. */
export function tagText() {
  return line().refine(text => !text.endsWith('\\'), { error: 'must not end in a backslash' })
}

/** Given in place (best as `${VARIABLE}`), or in a file whose one trailing newline is cut. */
export function secret() {
  const file = section({ file: line().describe('File that holds it, e.g. /run/secrets/plant-a') })
  const text = z
    .string()
    .min(1)
    .superRefine((it, context) => {
      const fault = secretFault(it)
      if (fault !== undefined) context.addIssue({ code: 'custom', message: `the text ${fault}` })
    })
  return oneOf('text or { file: path }', [text, file])
}

type Refuse = (message: string) => never

/** An address in its canonical form; `check` refuses what is none of the kind that is wanted. */
function address(example: string, check: (url: URL, refuse: Refuse) => string) {
  return z.string().transform((text, context) => {
    const refuse = (message: string) => {
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }
    const url = /^[a-z]+:\/\/[^\s\\/?#]+[^\s\\]*$/i.test(text) ? URL.parse(text) : null
    if (url === null) return refuse(`expected an address such as ${example}`)
    const written = /^[a-z]+:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^:/?#]*)/i.exec(text)?.[1] ?? ''
    // the URL standard reads 010 as 8, 0x7f.1 and 127.1 as 127.0.0.1, and a whole number as four
    if (isIPv4(url.hostname) && written !== url.hostname)
      return refuse(
        `write an IPv4 address as four decimal numbers without zeros before them: this one is read as ${url.hostname}`,
      )
    return check(url, refuse)
  })
}

function isBare({ pathname, search, hash }: URL): boolean {
  return pathname === '/' && search === '' && hash === ''
}

function hasLogin({ username, password }: URL): boolean {
  return username !== '' || password !== ''
}

/** `https://192.0.2.10:8443` → the same in its canonical form, without trailing slash. */
export function gatewayAddress() {
  return address('https://192.0.2.10', (url, refuse) => {
    if (url.protocol !== 'https:') return refuse('must begin with https://: a SmartServer speaks TLS only')
    if (hasLogin(url)) return refuse('must not hold a login: use username and password')
    return isBare(url) ? url.origin : refuse('must end after host and port, e.g. https://192.0.2.10:8443')
  })
}

/** http or https, with a path where the database lies behind a proxy; without trailing slash. */
export function databaseAddress() {
  const example = 'http://localhost:8086'
  return address(example, (url, refuse) => {
    if (!/^https?:$/.test(url.protocol)) return refuse(`expected an address such as ${example}`)
    if (hasLogin(url)) return refuse('must not hold a login: use token, or username and password')
    if (url.search !== '' || url.hash !== '') return refuse('must not hold a query: use the options beside it')
    return url.origin + url.pathname.replace(/\/+$/, '')
  })
}

/** `http://proxy:3128`. One that asks for a login needs another proxy in between: an address is no secret here. */
export function proxyAddress() {
  const example = 'http://proxy:3128'
  return address(example, (url, refuse) => {
    if (url.protocol !== 'http:') return refuse(`expected an address such as ${example}`)
    if (hasLogin(url)) return refuse('must not hold a login: it is not supported')
    return isBare(url) ? url.origin : refuse(`must end after host and port, e.g. ${example}`)
  })
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:9464`, `[::1]:9464`. Without a host nothing is guessed: all addresses must be asked for, as 0.0.0.0. */
export function listenAddress() {
  return z.string().transform((text, context): ListenAddress => {
    const [, host, port] =
      /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(text)?.filter(it => it !== undefined) ?? []
    const isNumeric = host !== undefined && /^[\d.]+$|^0x/i.test(host) && !isIPv4(host)
    if (isNumeric) {
      const message = 'write an IPv4 address as four decimal numbers without zeros before them'
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }
    if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return { host, port: Number(port) }
    context.addIssue({ code: 'custom', message: 'expected host and port such as 127.0.0.1:9464' })
    return z.NEVER
  })
}

/** SHA-256 of a certificate as Node's `fingerprint256` writes it: `AB:CD:…`. */
export function fingerprint256() {
  return z
    .string()
    .regex(/^[0-9A-Fa-f]{2}(?:[:\s]?[0-9A-Fa-f]{2}){31}$/, {
      error: 'expected a SHA-256 fingerprint: 32 pairs of hexadecimal digits, e.g. AB:CD:…',
    })
    .transform(text =>
      text
        .replace(/[^0-9a-f]/gi, '')
        .toUpperCase()
        .match(/../g)!
        .join(':'),
    )
}
