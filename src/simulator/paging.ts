import type { Dice } from './dice.ts'

/** Answers a list in the style the query asks for (protocol §5). */
export type Pager = (items: readonly unknown[], query: URLSearchParams) => unknown

/**
 * Both styles: no `pg` gives the plain array; `noxs=true` a plain array a page, empty behind the last one; otherwise a snapshot
 * number that stays the same as long as the pages belong together, and how many pages remain.
 */
export function createPager(dice: Dice): Pager {
  let snapshot = 40
  return (items, query) => {
    const page = readCount(query.get('pg'))
    if (page === undefined) return items
    const size = readCount(query.get('sz')) ?? 100
    const resources = items.slice((page - 1) * size, page * size)
    if (query.get('noxs') === 'true') return resources
    const asked = readCount(query.get('xs'))
    const isKnown = asked !== undefined && asked <= snapshot
    // A changed number means that the list has changed: the client must begin anew.
    const changes = page > 1 && dice.strikes('changeSnapshot')
    const current = isKnown && !changes ? asked : ++snapshot
    return { snapshot: current, resources, remainingPages: Math.max(0, Math.ceil(items.length / size) - page) }
  }
}

/** A positive integer of a query parameter. */
export function readCount(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}
