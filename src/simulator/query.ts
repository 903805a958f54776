import type { HabitSettings } from './habits.ts'
import type { Release } from './releases.ts'
import type { Datapoint } from './site.ts'
import { parseQueryTime } from './timestamps.ts'

/** A data-log request as the gateway understands it. `(after, until]` in ms UTC; infinite where the request sets no bound. */
export interface LogQuery {
  readonly after: number
  readonly until: number
  matches(datapoint: Datapoint): boolean
}

/** Why a query makes no sense. Nothing documents what a gateway does then (protocol §10.2), so the caller decides. */
interface QueryFault {
  readonly fault: string
}

type QueryHabits = Pick<HabitSettings, 'nameFallback' | 'rawQueries'>

const strict: QueryHabits = { nameFallback: false, rawQueries: false }

interface NameTest {
  readonly key: 'name' | 'xif'
  readonly name: string
}

/** Characters RFC 3986 allows unescaped in a query; `+` is one of them and means a space here. */
const queryPattern = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/?%<>]*$/

/**
 * Reads the raw query of `/iap/ws?…` the way a servlet container does (protocol §9.4): split at `&`, then at the first `=`,
 * then percent-decode with `+` as a space. Strict, so that a mistake of the client is not taken for an empty log;
 * raw `<` and `>` alone are forgiven, because the vendor's own pages send them (§2.3). `habits`: see habits.ts.
 */
export function parseLogQuery(query: string, release: Release, habits: QueryHabits = strict): LogQuery | QueryFault {
  if (!queryPattern.test(query)) return fault('a character that must be percent-encoded is not')
  const values = new Map<string, string>()
  for (const part of query.split(habits.rawQueries ? /&(?!utc\b)/ : '&')) {
    const at = part.indexOf('=')
    if (at <= 0) return fault(`"${part}" is no key=value`)
    const key = decode(part.slice(0, at), habits)
    const value = decode(part.slice(at + 1), habits)
    if (key === undefined || value === undefined) return fault(`"${part}" is not percent-encoded UTF-8`)
    if (!parameters.has(key)) return fault(`unknown parameter "${key}"`)
    if (values.has(key)) return fault(`parameter "${key}" given twice`)
    values.set(key, value)
  }

  const tests: ((datapoint: Datapoint) => boolean)[] = []
  const dev = values.get('dev')
  if (dev !== undefined) {
    const test = parseDevice(dev)
    if (test === undefined) return fault(`dev is neither an id nor *+name==…: "${dev}"`)
    tests.push(test)
  }
  for (const key of ['blockName', 'dpName'] as const) {
    const text = values.get(key)
    if (text === undefined) continue
    const test = parseName(text, release)
    if (test === undefined) return fault(`${key} is no name filter: "${text}"`)
    tests.push(
      key === 'blockName'
        ? datapoint => datapoint.block === test.name
        : datapoint => nameOf(datapoint, test.key, habits.nameFallback) === test.name,
    )
  }
  const index = values.get('blockIndex')
  if (index !== undefined) {
    if (!/^\d+$/.test(index)) return fault(`blockIndex is no integer: "${index}"`)
    tests.push(datapoint => datapoint.index === Number(index))
  }
  const dp = values.get('dp')
  if (dp !== undefined && dp !== 'true') return fault(`dp is not true: "${dp}"`)
  const range = parseRange(values.get('value') ?? '*')
  if (range === undefined) return fault(`value is no time range: "${values.get('value')}"`)
  return { ...range, matches: release.pathFilters ? datapoint => tests.every(test => test(datapoint)) : () => true }
}

const parameters = new Set(['dev', 'blockName', 'blockIndex', 'dpName', 'value', 'dp'])

function fault(text: string): QueryFault {
  return { fault: text }
}

function decode(text: string, { rawQueries }: QueryHabits): string | undefined {
  try {
    return decodeURIComponent(rawQueries ? text : text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function parseDevice(text: string): ((datapoint: Datapoint) => boolean) | undefined {
  if (/^\d+$/.test(text)) return datapoint => datapoint.deviceId === Number(text)
  const name = /^\*\+name==(.+)$/s.exec(text)?.[1]
  return name === undefined ? undefined : datapoint => datapoint.device === name
}

function parseName(text: string, release: Release): NameTest | undefined {
  const [, key, name] = /^\*\+(name|xifName)==(.+)$/s.exec(text) ?? []
  if (key === 'name' && name !== undefined) return { key: 'name', name }
  if (key === 'xifName' && name !== undefined) return release.xifNameKey ? { key: 'xif', name } : undefined
  // What starts like a filter but is none: `* name==X` is what an unescaped `*+name==X` decodes to.
  if (text === '' || text.startsWith('*')) return undefined
  return { key: release.bareName === 'xif' ? 'xif' : 'name', name: text }
}

function nameOf({ name, xif }: Datapoint, key: NameTest['key'], nameFallback: boolean): string | null {
  if (key === 'xif') return xif
  return nameFallback ? (name ?? xif) : name
}

/** `*`, `*+utc>T1`, `*+utc<=T2` or `*+utc>T1&utc<=T2`, and nothing else (protocol §2.1). */
export function parseRange(text: string): { after: number; until: number } | undefined {
  if (text === '*') return { after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }
  const parts = /^\*\+(?:utc>([^&]+))?(&)?(?:utc<=([^&]+))?$/.exec(text)
  if (parts === null) return undefined
  const [, from, and, to] = parts
  if ((and !== undefined) !== (from !== undefined && to !== undefined) || (from ?? to) === undefined) return undefined
  const after = from === undefined ? Number.NEGATIVE_INFINITY : parseQueryTime(from)
  const until = to === undefined ? Number.POSITIVE_INFINITY : parseQueryTime(to)
  return after === undefined || until === undefined ? undefined : { after, until }
}
