import type { Selector } from './datapoint.ts'
import { visible } from './visible.ts'

/**
 * What the points of a datapoint are made by: all of its rule that decides on their series, fields and values, with every
 * default written out. Equal texts make equal points.
 */
export interface RuleForm {
  readonly measurement: string
  readonly field: string
  readonly tags: Readonly<Record<string, string>>
  readonly scale: number
  readonly offset: number
  readonly invalid: readonly (number | string)[]
  readonly enumeration: Readonly<Record<string, number>>
  readonly localized: boolean
  readonly health: boolean
  /** Other types accept or refuse an entry, and change no point. */
  readonly type: 'text' | 'as logged' | 'numbers alone'
}

/** A rule of the configuration, and what it is for. */
export interface FormedRule {
  readonly selector: Selector
  readonly form: RuleForm
}

/** What a rule may say; what it leaves out has its default. */
export interface RuleSettings {
  readonly measurement: string
  readonly field: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly scale?: number | undefined
  readonly offset?: number | undefined
  readonly invalid?: readonly (number | string)[] | undefined
  readonly enumeration?: Readonly<Record<string, number>> | undefined
  readonly localized?: boolean | undefined
  readonly health?: boolean | undefined
  readonly type?: string | undefined
  readonly text?: 'off' | undefined
}

/** One setting that differs, as a person reads it: `scale`, `1`, `0.1`. */
export interface RuleDifference {
  readonly setting: string
  readonly from: string
  readonly to: string
}

export function ruleForm({ measurement, field = 'value', tags, ...rule }: RuleSettings): RuleForm {
  const { scale = 1, offset = 0, invalid = [], enumeration = {}, localized = false, health = false, type, text } = rule
  return {
    measurement,
    field,
    tags: sorted(tags),
    scale,
    offset,
    invalid: [...new Set(invalid)].sort((a, b) => (String(a) < String(b) ? -1 : 1)),
    enumeration: sorted(enumeration),
    localized,
    health,
    type: text === 'off' ? 'numbers alone' : type === 'text' ? 'text' : 'as logged',
  }
}

/** Empty: both make the same points. */
export function ruleDifferences(from: RuleForm, to: RuleForm): RuleDifference[] {
  const settings = Object.keys(to) as (keyof RuleForm)[]
  return settings.flatMap((setting): RuleDifference[] => {
    const [before, after] = [from[setting], to[setting]]
    if (JSON.stringify(before) === JSON.stringify(after)) return []
    if (setting === 'tags' || setting === 'enumeration') return memberDifferences(setting, from[setting], to[setting])
    return [{ setting, from: settingText(before), to: settingText(after) }]
  })
}

/** True where the points go to another series, or to another field of theirs: what was written before remains. */
export function leavesPointsBehind(from: RuleForm, to: RuleForm): boolean {
  return (
    from.measurement !== to.measurement || from.field !== to.field || !isSameTags(from, to) || from.type !== to.type
  )
}

/** `scale 1 → 0.1, tag building – → North`. */
export function differencesText(differences: readonly RuleDifference[]): string {
  return differences.map(({ setting, from, to }) => `${setting} ${from} → ${to}`).join(', ')
}

function isSameTags(a: RuleForm, b: RuleForm): boolean {
  return JSON.stringify(a.tags) === JSON.stringify(b.tags)
}

const names = { tags: 'tag', enumeration: 'enumeration' } as const

function memberDifferences(
  setting: keyof typeof names,
  from: Readonly<Record<string, number | string>>,
  to: Readonly<Record<string, number | string>>,
): RuleDifference[] {
  const members = [...new Set([...Object.keys(from), ...Object.keys(to)])]
  return members
    .filter(member => from[member] !== to[member])
    .map(member => ({
      setting: `${names[setting]} ${visible(member)}`,
      from: settingText(from[member]),
      to: settingText(to[member]),
    }))
}

function settingText(value: unknown): string {
  if (value === undefined) return '–'
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(settingText).join(', ')
  return visible(String(value))
}

function sorted<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
