import { selectorLabel } from '../domain/datapoint.ts'
import { seriesLabel } from '../domain/point.ts'
import { ruleChangeText } from '../pipeline/rule-premise.ts'
import type { RuleChange } from '../planning/rule-changes.ts'

/** For machines: by the code of the failure that it is. */
export function ruleChangeJson({ recorded, selectors, series, from, to, differences }: RuleChange) {
  return {
    code: 'rule-changed',
    recorded: selectorLabel(recorded),
    notAskedFor: selectors.map(selectorLabel),
    datapoints: series.map(seriesLabel),
    differences,
    from,
    to,
  }
}

/** In tables of commands: what has changed, and where to choose. */
export function ruleChangeRows(changes: readonly RuleChange[]): string[] {
  const rows = changes.map(ruleChangeText)
  return rows.length === 0 ? [] : [...rows, 'not asked for before you choose: see "smartserver-etl rule"']
}
