import { type Selector, selectorContains, selectorKey, selectorPrecision } from '../domain/datapoint.ts'
import type { Series } from '../domain/point.ts'
import {
  type FormedRule,
  type RuleDifference,
  type RuleForm,
  type RuleSettings,
  ruleDifferences,
  ruleForm,
} from '../domain/rule-form.ts'

/** What the ledger knows of the rules that the points of a selector were made by. */
interface RecordedRules {
  readonly selector: Selector
  /** Undefined: it was recorded before rules were. */
  readonly rules: readonly FormedRule[] | undefined
  /** The series that its points went to. */
  readonly series: readonly Series[]
}

/** Points of a recorded selector that the configuration of today would make in another way. */
export interface RuleChange {
  /** As recorded: its proof is of points by the rule of before. */
  readonly recorded: Selector
  /** As configured: these would bring points by the rule of today. */
  readonly selectors: readonly Selector[]
  /** The series of the points by the rule of before. */
  readonly series: readonly Series[]
  readonly from: RuleForm
  readonly to: RuleForm
  readonly differences: readonly RuleDifference[]
}

/**
 * Compares what was recorded with the rules of today, in their order. Series for series, since only points that are there
 * can differ: a datapoint that is merely added or removed is no change. A selector that names an XIF name may mean any
 * series of its block: where it can matter, it is compared too.
 */
export function ruleChanges(rules: readonly FormedRule[], recorded: readonly RecordedRules[]): RuleChange[] {
  return recorded.flatMap(it => {
    const today = overlapping(rules, it.selector)
    if (it.rules === undefined || today.length === 0) return []
    return changesOf(it.selector, it.rules, today, it.series)
  })
}

function changesOf(
  recorded: Selector,
  before: readonly FormedRule[],
  today: readonly FormedRule[],
  series: readonly Series[],
): RuleChange[] {
  const changes = new Map<string, RuleChange & { readonly series: Series[] }>()
  const ordered = { before: closestFirst(before), today: closestFirst(today) }
  for (const one of series) {
    const named = namedBy(one, recorded)
    const asking = today.filter(({ selector }) => mayHold(selector, named) !== 'no')
    const changed = asking.length === 0 ? undefined : formsOf(named, ordered.before, ordered.today).find(isChange)
    if (changed === undefined) continue
    const { from, to } = changed
    const key = JSON.stringify([from, to])
    const known = changes.get(key)
    if (known === undefined) {
      const selectors = asking.map(({ selector }) => selector)
      changes.set(key, { recorded, selectors, series: [one], from, to, differences: ruleDifferences(from, to) })
    } else known.series.push(one)
  }
  return [...changes.values()]
}

interface Forms {
  readonly from: RuleForm
  readonly to: RuleForm
}

function isChange({ from, to }: Forms): boolean {
  return ruleDifferences(from, to).length > 0
}

/**
 * What may have made its points, and what would make them today: by the closest rule, and by each that may be closer. Of
 * what no known rule has made nothing can be said.
 */
function formsOf(named: Named, before: readonly FormedRule[], today: readonly FormedRule[]): Forms[] {
  const [was, is] = [closestRule(named, before), closestRule(named, today)]
  const doubtful = [...doubtfulOf(named, before, was), ...doubtfulOf(named, today, is)]
  const keys = new Set(doubtful.map(({ selector }) => selectorKey(selector)))
  const forms = [...keys].flatMap(key => {
    const [from, to] = [formOf(before, key) ?? was?.form, formOf(today, key) ?? is?.form]
    return from === undefined || to === undefined ? [] : [{ from, to }]
  })
  if (was === undefined || is === undefined) return forms
  const names = isOtherName(was.selector, is.selector)
  return [{ from: names ? withName(was) : was.form, to: names ? withName(is) : is.form }, ...forms]
}

function formOf(rules: readonly FormedRule[], key: string): RuleForm | undefined {
  return rules.find(({ selector }) => selectorKey(selector) === key)?.form
}

/** The name of a device that is configured by its id is a tag of its points. */
function withName({ form, selector: { device } }: FormedRule): RuleForm {
  return device === undefined || 'name' in device ? form : { ...form, tags: { device: device.as, ...form.tags } }
}

function isOtherName({ device: a }: Selector, { device: b }: Selector): boolean {
  return a !== undefined && b !== undefined && 'id' in a && 'id' in b && a.as !== b.as
}

/** The rules that may make points of a selector: those that are closer than one that holds all of it decide alone. */
export function rulesFor(selector: Selector, rules: readonly FormedRule[]): FormedRule[] {
  const here = overlapping(rules, selector)
  const key = selectorKey(selector)
  const own = here.find(rule => selectorKey(rule.selector) === key)
  const least = own === undefined ? 0 : selectorPrecision(selector)
  return here.filter(rule => selectorPrecision(rule.selector) >= least)
}

/** What is known of a datapoint by a series of it, and by the selector that it was recorded for. */
export interface Named {
  readonly device: string | undefined
  readonly block: string | undefined
  readonly index: string | undefined
  readonly name: string | undefined
  readonly recorded: Selector
}

export function namedBy({ tags }: Series, recorded: Selector): Named {
  const [device, block, index, name] = ['device', 'block', 'index', 'datapoint'].map(key => tags.get(key))
  return { device, block, index, name, recorded }
}

/** The closest first; of equals the first in the configuration. */
export function closestFirst(rules: readonly FormedRule[]): FormedRule[] {
  return rules.toSorted((a, b) => selectorPrecision(b.selector) - selectorPrecision(a.selector))
}

/** The rule that decides, as far as a series tells, of rules of which the closest is first. */
export function closestRule(named: Named, ordered: readonly FormedRule[]): FormedRule | undefined {
  return ordered.find(({ selector }) => mayHold(selector, named) === 'yes')
}

function doubtfulOf(named: Named, rules: readonly FormedRule[], decided: FormedRule | undefined): FormedRule[] {
  const most = decided === undefined ? -1 : selectorPrecision(decided.selector)
  return rules.filter(({ selector }) => selectorPrecision(selector) > most && mayHold(selector, named) === 'perhaps')
}

/** `perhaps`: by an XIF name, which a series does not show. */
function mayHold({ device, block, index, point }: Selector, named: Named): 'yes' | 'no' | 'perhaps' {
  const { recorded } = named
  if (device !== undefined && !isSameDevice(device, recorded.device) && shownName(device) !== named.device) return 'no'
  if (block !== undefined && block !== named.block) return 'no'
  if (index !== undefined && String(index) !== named.index) return 'no'
  if (point === undefined || isSamePoint(point, recorded.point)) return 'yes'
  if ('name' in point) return point.name === named.name ? 'yes' : 'no'
  return point.xif === named.name ? 'yes' : 'perhaps'
}

/** The rules of each device, in their order: thousands of selectors are compared with thousands of rules before each run. */
interface DeviceIndex {
  readonly ofNone: readonly FormedRule[]
  readonly byDevice: ReadonlyMap<string, readonly FormedRule[]>
  readonly positions: ReadonlyMap<FormedRule, number>
}

const indexes = new WeakMap<readonly FormedRule[], DeviceIndex>()

function overlapping(rules: readonly FormedRule[], selector: Selector): FormedRule[] {
  const { device } = selector
  if (device === undefined) return rules.filter(rule => mayOverlap(rule.selector, selector))
  const { ofNone, byDevice, positions } = indexOf(rules)
  const near = new Set([...ofNone, ...deviceKeys(device).flatMap(key => byDevice.get(key) ?? [])])
  return [...near]
    .filter(rule => mayOverlap(rule.selector, selector))
    .sort((a, b) => positions.get(a)! - positions.get(b)!)
}

function indexOf(rules: readonly FormedRule[]): DeviceIndex {
  const known = indexes.get(rules)
  if (known !== undefined) return known
  const byDevice = new Map<string, FormedRule[]>()
  for (const rule of rules)
    for (const key of rule.selector.device === undefined ? [] : deviceKeys(rule.selector.device)) {
      const its = byDevice.get(key)
      if (its === undefined) byDevice.set(key, [rule])
      else its.push(rule)
    }
  const ofNone = rules.filter(({ selector }) => selector.device === undefined)
  const index = { ofNone, byDevice, positions: new Map(rules.map((rule, i) => [rule, i])) }
  indexes.set(rules, index)
  return index
}

function deviceKeys(device: NonNullable<Selector['device']>): string[] {
  return 'id' in device ? [`#${device.id}`, shownName(device)] : [device.name]
}

function mayOverlap(a: Selector, b: Selector): boolean {
  return (
    (a.device === undefined ||
      b.device === undefined ||
      isSameDevice(a.device, b.device) ||
      shownName(a.device) === shownName(b.device)) &&
    (a.block === undefined || b.block === undefined || a.block === b.block) &&
    (a.index === undefined || b.index === undefined || a.index === b.index) &&
    (a.point === undefined || b.point === undefined || isSamePoint(a.point, b.point) || mayBeSame(a.point, b.point))
  )
}

function isSameDevice(a: NonNullable<Selector['device']>, b: Selector['device']): boolean {
  if (b === undefined) return false
  return 'id' in a ? 'id' in b && a.id === b.id : 'name' in b && a.name === b.name
}

function shownName(device: NonNullable<Selector['device']>): string {
  return 'id' in device ? device.as : device.name
}

function isSamePoint(a: NonNullable<Selector['point']>, b: Selector['point']): boolean {
  if (b === undefined) return false
  return 'xif' in a ? 'xif' in b && a.xif === b.xif : 'name' in b && a.name === b.name
}

/** An instance name and an XIF name may be of one datapoint. */
function mayBeSame(a: NonNullable<Selector['point']>, b: NonNullable<Selector['point']>): boolean {
  return 'xif' in a !== 'xif' in b
}

/** What is not asked for before a person has chosen. */
export function barredBy(changes: readonly RuleChange[]): Selector[] {
  const barred = changes.flatMap(({ selectors }) => selectors)
  return [...new Map(barred.map(selector => [selectorKey(selector), selector])).values()]
}

/** The rules to record for a selector from now on. Where they are for a part of it alone, those of before stay beside them. */
export function rulesToRecord(
  { selector, rules }: Omit<RecordedRules, 'series'>,
  today: readonly FormedRule[],
): FormedRule[] {
  const now = rulesFor(selector, today)
  const keys = new Set(now.map(rule => selectorKey(rule.selector)))
  if (now.some(rule => selectorContains(rule.selector, selector))) return now
  return [...now, ...(rules ?? []).filter(rule => !keys.has(selectorKey(rule.selector)))]
}

/** What makes the points of a gateway by its configuration, in its order. */
export function rulesOf(datapoints: readonly (RuleSettings & { readonly selector: Selector })[]): FormedRule[] {
  return datapoints.map(({ selector, ...settings }) => ({ selector, form: ruleForm(settings) }))
}
