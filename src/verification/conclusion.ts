import type { Finding } from './finding.ts'
import type { Scope } from './scope.ts'
import { addTallies, emptyTallies } from './tallies.ts'
import type { Mode } from './verify.ts'

export function totalOf(findings: readonly Finding[]) {
  const total = { ...emptyTallies(), lost: 0, unconfirmed: 0 }
  for (const finding of findings) {
    addTallies(total, finding)
    total.lost += finding.lost
    total.unconfirmed += finding.unconfirmed
  }
  return total
}

/**
 * `partly`: what was compared is equal, and some was not compared. `nothing`: the ledger claims nothing, so that nothing can
 * be wrong. `inconsistent`: the database contradicts itself. `unwritten`: all that was compared is equal, and there are entries
 * that could not be written.
 */
export type Conclusion = 'equal' | 'unwritten' | 'partly' | 'differs' | 'inconsistent' | 'uncompared' | 'nothing'

/** Never `equal` about what was not compared, or is known to be lost. */
export function conclusionOf(
  findings: readonly Finding[],
  claims: Scope['claims'],
  compare: Mode['compare'],
  deadLetters: number,
): Conclusion {
  if (findings.length === 0) return claims === 'none' ? 'nothing' : 'uncompared'
  if (findings.some(({ verdict }) => verdict === 'inconsistent')) return 'inconsistent'
  if (findings.some(({ verdict }) => verdict === 'differs')) return 'differs'
  if (!findings.some(({ verdict }) => verdict === 'equal')) return 'uncompared'
  const { equal, unconfirmed } = totalOf(findings)
  if (compare !== 'counts' && equal === 0 && unconfirmed > 0) return 'uncompared'
  if (findings.some(isUncompared)) return 'partly'
  return deadLetters > 0 ? 'unwritten' : 'equal'
}

export function isUncompared({ verdict }: Finding): boolean {
  return verdict === 'unknown' || verdict === 'expired'
}
