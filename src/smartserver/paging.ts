import type { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'
import { type Asked, askJson, idOf, memberOf } from './rest-json.ts'

/** The vendor's own page size (protocol §5). */
const pageSize = 100
/** A list that changes while it is read is read again from its first page, so often. */
const mostStarts = 5
/** A gateway that never says which page is the last must not be asked for ever. */
const mostPages = 1_000

/**
 * A whole REST list, whatever way of paging the gateway has (protocol §5): pages with a snapshot number first, because
 * they alone show that the list has changed; then plain pages; then all at once. Throws a Failure of reach `gateway`.
 */
export async function readList(gateway: Asked, path: string, signal: AbortSignal): Promise<unknown[]> {
  const joint = path.includes('?') ? '&' : '?'
  let isUnstable: boolean
  try {
    return await readSnapshot(gateway, `${path}${joint}`, signal)
  } catch (error) {
    throwUnlessAboutPaging(error)
    isUnstable = gatewayFailure.is(error, 'list-unstable')
  }
  try {
    // plain pages of a list that changes would lose items without a word
    if (!isUnstable) return await readPlainPages(gateway, `${path}${joint}noxs=true&`, signal)
  } catch (error) {
    throwUnlessAboutPaging(error)
  }
  const all = await askJson(gateway, path, signal)
  if (Array.isArray(all)) return all
  throw oddList(path)
}

/** `{snapshot, resources, remainingPages}`: started over when the snapshot is another one. */
async function readSnapshot(gateway: Asked, base: string, signal: AbortSignal): Promise<unknown[]> {
  for (let start = 1; start <= mostStarts; start++) {
    const items: unknown[] = []
    let snapshot: unknown
    for (let page = 1; page <= mostPages; page++) {
      const answer = await askJson(gateway, pagePath(base, page, snapshot), signal)
      // a gateway that does not know snapshots answers with plain pages, or with everything
      if (Array.isArray(answer) && page === 1) return await goOnPlainly(gateway, base, answer, signal)
      const resources = memberOf(answer, 'resources')
      if (!Array.isArray(resources)) throw oddList(base)
      if (page > 1 && idOf(memberOf(answer, 'snapshot')) !== idOf(snapshot)) break
      snapshot = memberOf(answer, 'snapshot')
      items.push(...resources)
      const left = Number(memberOf(answer, 'remainingPages'))
      if (resources.length === 0 || left === 0) return items
      if (page === mostPages) throw oddList(base)
    }
  }
  throw gatewayFailure('list-unstable', 'the list changes faster than the gateway delivers it')
}

async function readPlainPages(gateway: Asked, base: string, signal: AbortSignal): Promise<unknown[]> {
  const first = await askJson(gateway, pagePath(base, 1), signal)
  if (!Array.isArray(first)) throw oddList(base)
  return await goOnPlainly(gateway, base, first, signal)
}

/**
 * Up to the first empty page (protocol §5); one that brings nothing new means that paging is ignored. A page that is
 * merely short is no end: a gateway may leave items out of its pages, or have smaller ones than are asked for.
 */
async function goOnPlainly(gateway: Asked, base: string, first: unknown[], signal: AbortSignal): Promise<unknown[]> {
  const items = [...first]
  if (first.length === 0 || first.length > pageSize) return items
  const known = new Set(first.map(identityOf))
  for (let page = 2; page <= mostPages; page++) {
    const answer = await askJson(gateway, pagePath(base, page), signal)
    if (!Array.isArray(answer)) throw oddList(base)
    const identities = answer.map(identityOf)
    if (identities.every(identity => known.has(identity))) return items
    for (const identity of identities) known.add(identity)
    items.push(...answer)
  }
  throw oddList(base)
}

/** What names an item of any list of protocol §5. All of it: whether an `id` alone does is not documented. */
const naming = [
  ...['id', 'uid', 'name', 'category', 'deviceTypeName', 'fullDpName'],
  ...['deviceId', 'deviceName', 'blockName', 'blockIndex', 'datapointName', 'dpQualifier'],
]

/** The same for the same item, whatever its value and times are now; the whole text of one without any name. */
function identityOf(item: unknown): string {
  const names = naming.map(key => idOf(memberOf(item, key)) ?? null)
  return JSON.stringify(names.some(name => name !== null) ? names : item)
}

function pagePath(base: string, page: number, snapshot?: unknown): string {
  const number = idOf(snapshot)
  return `${base}pg=${page}&sz=${pageSize}${number === undefined ? '' : `&xs=${encodeURIComponent(number)}`}`
}

/**
 * Throws what another way of paging cannot help: a gateway that is away, a login that is refused, and above all one that
 * is overloaded, which the whole list at once would not make better.
 */
function throwUnlessAboutPaging(error: unknown): void {
  if (!gatewayFailure.is(error, 'rest-unsupported', 'rest-not-json', 'rest-odd-list', 'list-unstable')) throw error
}

function oddList(path: string): Failure {
  return gatewayFailure('rest-odd-list', `the gateway answers ${path.split('?')[0]} with something else than a list`)
}
