import type { Remarked } from '../domain/remark.ts'
import { visible } from '../domain/visible.ts'
import { countOf, countText } from './format.ts'

const mostShown = 10

/** For a person: what of the values is not in the database as the gateway sent it, and what to do. */
export function remarkLines(remarks: readonly Remarked[]): string[] {
  const lines = remarks.slice(0, mostShown).map(remarkText)
  const more = remarks.length - mostShown
  return more > 0 ? [...lines, `and ${countText(more)} more such datapoints: see --json`] : lines
}

function remarkText({ datapoint, kind, entries, texts }: Remarked): string {
  const count = countOf(entries, 'entry', 'entries')
  const shown = texts.map(visible).join(', ')
  if (kind === 'unheld')
    return `${datapoint}: ${count} with a text, which the database cannot hold: ${shown}. Give it an enumeration, or "text: off"`
  return kind === 'rounded'
    ? `${datapoint}: ${count} with a number that the database rounds, as ${shown}: "type: text" keeps all digits`
    : `${datapoint}: ${count} with a text that its enumeration does not map: ${shown}`
}
