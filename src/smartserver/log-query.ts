import type { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'

/** A name, and what is meant by it. `bare` is what the release makes of it (protocol §2.1). */
export type NameFilter = { readonly name: string } | { readonly xifName: string } | { readonly bare: string }

/**
 * A query of the data log, in every documented form (protocol §2.1). What is left out filters nothing; a request goes by
 * `dataLogPath`, which always gives both ends of `utc` (law 7).
 */
export interface LogQuery {
  readonly dev?: { readonly id: string } | { readonly name: string }
  readonly blockName?: NameFilter
  readonly blockIndex?: number
  readonly dpName?: NameFilter
  /** All datapoints: what a query says that else says nothing. */
  readonly dp?: true
  /** ms UTC; `after` is excluded, `until` included. */
  readonly utc?: { readonly after?: number; readonly until?: number }
}

/** Throws a Failure for a query without any filter, which would never end, and for what no query can say. */
export function logQueryPath({ dev, blockName, blockIndex, dpName, dp, utc }: LogQuery): string {
  const parameters: [string, string][] = []
  if (dev !== undefined) parameters.push(['dev', 'id' in dev ? bareName(dev.id) : `*+name==${sendable(dev.name)}`])
  if (blockName !== undefined) parameters.push(['blockName', nameFilter(blockName)])
  if (blockIndex !== undefined) parameters.push(['blockIndex', indexText(blockIndex)])
  if (dpName !== undefined) parameters.push(['dpName', nameFilter(dpName)])
  if (dp !== undefined) parameters.push(['dp', 'true'])
  if (utc !== undefined) parameters.push(['value', utcFilter(utc)])
  if (parameters.length === 0) throw badQuery('a data-log query without any filter would never end')
  return `/iap/ws?${parameters.map(([key, value]) => `${key}=${percentEncode(value)}`).join('&')}`
}

/**
 * A lone surrogate has no UTF-8, a control sign no known treatment, and an `&` joins conditions inside a value (as in the
 * `utc` filter): a gateway that takes a name apart there would answer nothing, then "end". Slash, `+`, `=`, quotes and
 * non-ASCII are percent-encoded; they too are never exemplified (protocol §10.14), but nothing speaks against them.
 */
export function canBeSent(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{Cc}&]/u.test(name)
}

/** Without a sign before it: what begins like a filter would be taken for one. */
export function canBeSentBare(name: string): boolean {
  return canBeSent(name) && !name.startsWith('*')
}

function nameFilter(filter: NameFilter): string {
  if ('name' in filter) return `*+name==${sendable(filter.name)}`
  return 'xifName' in filter ? `*+xifName==${sendable(filter.xifName)}` : bareName(filter.bare)
}

function indexText(index: number): string {
  if (!Number.isInteger(index) || index < 0) throw badQuery(`no data-log query can name the block index ${index}`)
  return String(index)
}

function sendable(name: string): string {
  if (!canBeSent(name)) throw badQuery(`no data-log query can name ${JSON.stringify(name)}`)
  return name
}

function bareName(name: string): string {
  if (!canBeSentBare(name)) throw badQuery(`no data-log query can name ${JSON.stringify(name)} as it is`)
  return name
}

/** The years 0 … 9999: others are written with a sign, which the gateway is not known to read. */
const earliest = Date.parse('0000-01-01T00:00:00.000Z')
const latest = Date.parse('9999-12-31T23:59:59.999Z')

function utcFilter({ after, until }: NonNullable<LogQuery['utc']>): string {
  const conditions: string[] = []
  if (after !== undefined) conditions.push(`utc>${utcText(after)}`)
  if (until !== undefined) conditions.push(`utc<=${utcText(until)}`)
  if (conditions.length === 0) throw badQuery('a time filter needs at least one end')
  return `*+${conditions.join('&')}`
}

/** No `Z` and no offset (protocol §2.2). */
function utcText(ms: number): string {
  if (!Number.isInteger(ms) || ms < earliest || ms > latest)
    throw badQuery(`no data-log query can name the time ${ms}`, 'bad-range')
  return new Date(ms).toISOString().slice(0, -1)
}

/** Everything but the unreserved signs: each escape of that set is evidenced one by one (protocol §2.3). */
export function percentEncode(value: string): string {
  return encodeURIComponent(value).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

function badQuery(message: string, code: 'bad-query' | 'bad-range' = 'bad-query'): Failure {
  return gatewayFailure(code, message)
}
