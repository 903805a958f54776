import type { LetterCount } from '../dead-letters/letter-index.ts'
import { selectorKey, selectorLabel } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import { rangeJson, rangeLength } from '../domain/range.ts'
import type { SinkReport } from '../sinks/sink.ts'
import { conclusionOf, totalOf } from '../verification/conclusion.ts'
import type { Finding } from '../verification/finding.ts'
import type { GatewayScope, Scope } from '../verification/scope.ts'
import type { Mode, Outcome } from '../verification/verify.ts'
import { lettersJson } from './dead-letter-text.ts'

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

export function certificateJson(certificate: Certificate): string {
  const { at, program, sink, report, compare, scope, releases, deadLetters, findings, healing } = certificate
  const count = (verdict: Finding['verdict']) => findings.filter(it => it.verdict === verdict).length
  return JSON.stringify({
    at: isoText(at),
    program,
    mode: modeOf(compare),
    seed: seedOf(compare),
    conclusion: conclusionOf(findings, scope.claims, compare, deadLetters.open),
    of: modeOf(compare) === 'sample' ? 'sample' : 'all',
    sample: sampleOf(certificate),
    sink: { label: sink, kind: report.kind, version: report.version },
    period: scope.period && rangeJson(scope.period),
    gateways: scope.gateways.map(({ name, url, datapoints, unproven, earlierRules, gaps, remarks }) => ({
      name,
      url,
      release: releases[name],
      configured: url !== undefined,
      datapoints,
      unproven,
      earlierRules: earlierRules.map(partJson),
      gaps: gaps.map(partJson),
      remarks,
    })),
    ...totalOf(findings),
    ...lettersJson(deadLetters),
    unknown: count('unknown'),
    expired: count('expired'),
    ...(healing && {
      healed: healing.written,
      accepted: healing.accepted,
      before: { ...totalOf(healing.before), ranges: healing.before.map(findingJson) },
    }),
    ranges: findings.map(findingJson),
  })
}

function findingJson({ selector, range, examples, ...finding }: Finding) {
  const texts = examples.map(({ text }) => text)
  return { ...finding, examples: texts, datapoint: selectorLabel(selector), ...rangeJson(range) }
}

function partJson({ datapoint, ranges }: GatewayScope['gaps'][number]) {
  return { datapoint, ranges: ranges.map(rangeJson) }
}
