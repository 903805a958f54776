import type { SinkReport } from '../sinks/sink.ts'
import type { Finding } from '../verification/finding.ts'
import type { Scope } from './scope.ts'

/** What was compared with what, and how it came out: to be filed. */
export interface Certificate {
  readonly at: number
  readonly program: string
  readonly sink: string
  readonly report: SinkReport
  readonly mode: 'counts' | 'sample' | 'full'
  readonly seed: number | undefined
  readonly scope: Scope
  /** As the gateways told; empty where they were not asked. */
  readonly releases: Readonly<Record<string, string | undefined>>
  readonly findings: readonly Finding[]
  /** What was put right; undefined where nobody asked for it. */
  readonly healing: Healing | undefined
}

export interface Healing {
  readonly before: readonly Finding[]
  /** Points that were written again. */
  readonly written: number
  readonly accepted: { readonly ranges: number; readonly lost: number }
}

export function totalOf(findings: readonly Finding[]) {
  const total = { equal: 0, missing: 0, different: 0, lost: 0, extra: 0, unconfirmed: 0, unwritable: 0 }
  for (const finding of findings)
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += finding[key]
  return total
}

/** `partly`: what was compared is equal, and some was not. `nothing`: nothing is claimed, so that nothing can be wrong. */
export type Conclusion = 'equal' | 'partly' | 'differs' | 'uncompared' | 'nothing'

/** Never `equal` about what was not compared, or is known to be lost. */
export function conclusionOf({ findings, mode, scope }: Pick<Certificate, 'findings' | 'mode' | 'scope'>): Conclusion {
  if (findings.length === 0) return scope.claims === 'none' ? 'nothing' : 'uncompared'
  if (findings.some(({ verdict }) => verdict === 'differs')) return 'differs'
  if (!findings.some(({ verdict }) => verdict === 'equal')) return 'uncompared'
  const { equal, unconfirmed } = totalOf(findings)
  if (mode !== 'counts' && equal === 0 && unconfirmed > 0) return 'uncompared'
  return findings.some(isUncompared) ? 'partly' : 'equal'
}

export function isUncompared({ verdict }: Finding): boolean {
  return verdict === 'unknown' || verdict === 'expired'
}
