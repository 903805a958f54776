import type { LetterCount } from '../dead-letters/letter-index.ts'
import { selectorKey } from '../domain/datapoint.ts'
import { rangeLength } from '../domain/range.ts'
import type { SinkReport } from '../sinks/sink.ts'
import type { Finding } from '../verification/finding.ts'
import type { Scope } from '../verification/scope.ts'
import type { Mode, Outcome } from '../verification/verify.ts'

/** What was compared with what, and the result: for a person to file. */
export interface Certificate {
  readonly at: number
  readonly program: string
  readonly sink: string
  readonly report: SinkReport
  readonly compare: Mode['compare']
  readonly scope: Scope
  /** As the gateways say; empty where they were not asked. */
  readonly releases: Readonly<Record<string, string | undefined>>
  /** Of these gateways, from requests for some of the time that was asked for. */
  readonly deadLetters: LetterCount
  readonly findings: readonly Finding[]
  /** What was written again; undefined where that was not wanted. */
  readonly healing: Healing | undefined
}

const dayMs = 86_400_000

interface Healing {
  readonly before: readonly Finding[]
  /** Points that were written again. */
  readonly written: number
  readonly accepted: { readonly ranges: number; readonly lost: number }
}

export function healingOf(outcomes: readonly Outcome[]): Healing {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, it) => total + of(it), 0)
  return {
    before: outcomes.map(({ before }) => before),
    written: sum(({ written }) => written),
    accepted: { ranges: sum(({ accepted }) => accepted.ranges), lost: sum(({ accepted }) => accepted.lost) },
  }
}

/** Of a sample: what was drawn, and of how much; undefined: all of it was verified. */
export function sampleOf({ compare, scope, findings }: Certificate) {
  if (typeof compare === 'string') return undefined
  const days = findings.reduce((sum, { range }) => sum + rangeLength(range), 0) / dayMs
  const { size: datapoints } = new Set(findings.map(it => `${it.gateway} ${selectorKey(it.selector)}`))
  return { datapoints, days, ofDatapoints: scope.proven.datapoints, ofDays: scope.proven.days }
}

export function modeOf(compare: Mode['compare']): 'counts' | 'full' | 'sample' {
  return typeof compare === 'string' ? compare : 'sample'
}

export function seedOf(compare: Mode['compare']): number | undefined {
  return typeof compare === 'string' ? undefined : compare.seed
}
