import { selectorLabel } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import { rangeJson } from '../domain/range.ts'
import { conclusionOf, totalOf } from '../verification/conclusion.ts'
import type { Finding } from '../verification/finding.ts'
import type { GatewayScope } from '../verification/scope.ts'
import { type Certificate, modeOf, sampleOf, seedOf } from './certificate.ts'
import { lettersJson } from './dead-letter-text.ts'

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
