import { selectorLabel } from '../domain/datapoint.ts'
import type { Failure } from '../domain/failure.ts'
import { seriesLabel } from '../domain/point.ts'
import { differencesText, type FormedRule } from '../domain/rule-form.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type RuleChange, ruleChanges, rulesToRecord } from '../planning/rule-changes.ts'
import { transferFailure } from './failures.ts'
import type { GatewayJob, RunEvent } from './job.ts'

/**
 * Compares what the points of a gateway were made by with its rules of today (law 14). What has not changed is recorded;
 * what was recorded before rules were takes those of today, which is reported once. Returns what a person has to choose about.
 */
export function settleRules(
  { source, rules }: Pick<GatewayJob, 'source' | 'rules'>,
  { ledger, sink, observe }: { ledger: Pick<Ledger, 'rules'>; sink: string; observe: (event: RunEvent) => void },
): RuleChange[] {
  const place = { sink, gateway: source.name }
  const recorded = ledger.rules.of(place)
  const changes = ruleChanges(rules, recorded)
  const changed = new Set(changes.map(it => it.recorded))
  const settled = recorded
    .filter(({ selector }) => !changed.has(selector))
    .map(it => ({ ...it, before: it.rules, rules: rulesToRecord(it, rules) }))
    .filter(it => it.rules.length > 0 && JSON.stringify(it.before) !== JSON.stringify(it.rules))
  ledger.rules.accept(place, settled)
  const adopted = settled.filter(({ before, series }) => before === undefined && series.length > 0)
  if (adopted.length > 0)
    observe({ gateway: source.name, kind: 'rules-adopted', selectors: adopted.map(({ selector }) => selector) })
  return changes
}

/** Throws a Failure where points of these gateways would be compared or written by other rules than they were made by. */
export function requireSameRules(
  gateways: readonly { readonly name: string; readonly rules: readonly FormedRule[] }[],
  ledger: Pick<Ledger, 'rules'>,
  sink: string,
): void {
  for (const { name, rules } of gateways) {
    const [change] = ruleChanges(rules, ledger.rules.of({ sink, gateway: name }))
    if (change !== undefined) throw ruleChanged(name, change)
  }
}

/** Where nothing may go on before a person has chosen. */
export function ruleChanged(gateway: string, change: RuleChange): Failure {
  return transferFailure('rule-changed', `${gateway}: ${ruleChangeText(change)}`, {
    work: { gateway, selector: selectorLabel(change.recorded) },
  })
}

const mostNames = 3

/** `Meter 3/EnergyMeter/0/nvoPower: scale 1 → 0.1`. */
export function ruleChangeText({ series, differences }: Pick<RuleChange, 'series' | 'differences'>): string {
  const names = series.slice(0, mostNames).map(seriesLabel).join(', ')
  const more = series.length > mostNames ? ` and ${series.length - mostNames} more` : ''
  return `${names}${more}: ${differencesText(differences)} since their points were made`
}
