import { isoText } from '../domain/instant.ts'
import { rangeJson } from '../domain/range.ts'
import type { MissingTime, Risk } from '../planning/risk.ts'
import { countOf, countText, minuteText, rangeText, tookText } from './format.ts'

const dayMs = 86_400_000

function lossJson({ ms, datapoints, range }: MissingTime) {
  return { ms, datapoints, ...rangeJson(range) }
}

function lossText({ ms, datapoints, range }: MissingTime): string {
  return `${missingText(ms, datapoints)} (${rangeText(range)})`
}

/** Missing time of each datapoint: a sum over hundreds of them says nothing to a reader. */
export function missingText(ms: number, datapoints: number): string {
  const of = datapoints === 1 ? '1 datapoint' : `each of ${countOf(datapoints, 'datapoint')}, on average`
  return `${lengthText(ms / Math.max(1, datapoints))} of ${of}`
}

/** Missing time, in whole days as soon as it is many. */
export function lengthText(ms: number): string {
  return ms < 10 * dayMs ? tookText(ms) : `${countText(ms / dayMs)} d`
}

/** A key and its words: what of the missing time the gateway has pruned, or will have pruned soon. */
export function riskRows({ pruned, soon }: Risk): [string, string][] {
  const rows: [string, string][] = []
  if (pruned !== undefined) rows.push(['pruned', `${lossText(pruned)}: the gateway has probably deleted it already`])
  if (soon !== undefined)
    rows.push(['at risk', `${lossText(soon)}: the gateway deletes it by ${minuteText(soon.by)}: fetch it before`])
  return rows
}

export function riskJson({ pruned, soon }: Risk) {
  return { pruned: pruned && lossJson(pruned), atRisk: soon && { ...lossJson(soon), by: isoText(soon.by) } }
}
