import type { DatabaseSync } from 'node:sqlite'
import { type Selector, selectorKey } from '../domain/datapoint.ts'

/** All of it is checked, in a tenth of a second: ten years of a large site are smaller. */
const wholeMost = 32 * 1024 * 1024
/** Of a larger one the structure alone, without the indexes; of the largest only what is read anyway. */
const quickMost = 256 * 1024 * 1024

/** What is wrong with a ledger, as SQLite says it; undefined where nothing is. A bit that turned within a number stays unseen. */
export function damageOf(database: DatabaseSync): string | undefined {
  const size = numberOf(database, 'PRAGMA page_count') * numberOf(database, 'PRAGMA page_size')
  if (size > quickMost) return undefined
  const check = size > wholeMost ? 'quick_check' : 'integrity_check'
  const [found] = Object.values(database.prepare(`PRAGMA ${check}(1)`).get() ?? {})
  if (found !== 'ok') return String(found).replace(/^\*\*\* in database main \*\*\*\n/, '')
  for (const { id, key, selector } of database.prepare('SELECT id, key, selector FROM target').iterate()) {
    const its = keyOf(String(selector))
    // the key of a target that was retired ends with its id
    if (key !== its && key !== `${its}\n${id}`) return 'a selector is not that of its key'
  }
  return undefined
}

function keyOf(json: string): string | undefined {
  try {
    return selectorKey(JSON.parse(json) as Selector)
  } catch {
    return undefined
  }
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0])
}
