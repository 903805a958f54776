import type { Selector } from '../domain/datapoint.ts'
import type { Device, LogRule } from '../smartserver/discovery.ts'

/** How long the gateway keeps the finest entries of what these select, ms; undefined: not known. */
export type RetentionOf = (selectors: readonly Selector[]) => number | undefined

const dayMs = 86_400_000

/**
 * Of several levels the one that is pruned first counts: it holds the finest entries (protocol §4). Worked out once for
 * each array: `rescue` asks for that of every group before each request.
 */
export function createRetention(devices: readonly Device[], rules: readonly LogRule[]): RetentionOf {
  const known = new WeakMap<readonly Selector[], { readonly ms: number | undefined }>()
  return selectors => {
    let retention = known.get(selectors)
    if (retention === undefined) {
      const days = selectors.flatMap(selector =>
        rulesOf(selector, devices, rules).flatMap(({ levels }) => levels.flatMap(({ retention }) => retention ?? [])),
      )
      retention = { ms: days.length === 0 ? undefined : Math.min(...days) * dayMs }
      known.set(selectors, retention)
    }
    return retention.ms
  }
}

/** What the log rules say of a selector, by block, index and XIF name. */
export function rulesOf(selector: Selector, devices: readonly Device[], rules: readonly LogRule[]): LogRule[] {
  const { device, block, index, point } = selector
  const types = new Set(
    devices
      .filter(it => device === undefined || ('id' in device ? it.id === device.id : it.name === device.name))
      .map(({ type }) => type),
  )
  const ofBlock = rules.filter(({ type, path }) => {
    if (!types.has(type)) return false
    const start = `${block ?? ''}/${index ?? ''}`
    return block === undefined || index === undefined ? path.startsWith(block ?? '') : path.startsWith(`${start}/`)
  })
  if (point === undefined) return ofBlock
  const name = 'xif' in point ? point.xif : point.name
  const exact = ofBlock.filter(({ path }) => path.endsWith(`/${name}`))
  // an instance name says nothing about the rule's XIF name: any rule of its block may be the one
  return exact.length > 0 || 'xif' in point ? exact : ofBlock
}
