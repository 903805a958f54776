import type { History } from './history.ts'
import type { Datapoint } from './site.ts'

/** How long entries are kept, ms; 0 = never pruned. */
export interface Retention {
  /** Of the entries that are kept longest. */
  readonly longestMs: number
  /** Of one datapoint; undefined where all are kept alike. */
  readonly of: ((datapoint: Datapoint) => number) | undefined
  /** What the log settings of a device say, days: a site that never prunes has some as well. */
  days(type: string): number
  daysOf(datapoint: Datapoint): number
}

const dayMs = 86_400_000
const daysTold = 14

/** Retention is configured by device type (protocol §4). */
export function createRetention(
  { devices }: Pick<History, 'devices'>,
  { retentionMs, retentions }: { retentionMs: number; retentions: Readonly<Record<string, number>> },
): Retention {
  const ofType = (type: string) => (Object.hasOwn(retentions, type) ? retentions[type]! : retentionMs)
  const all = [retentionMs, ...Object.values(retentions)]
  const own = new Map(devices.flatMap(({ type, datapoints }) => datapoints.map(it => [it, ofType(type)] as const)))
  const of = (datapoint: Datapoint) => own.get(datapoint) ?? retentionMs
  const days = (ms: number) => (ms > 0 ? ms / dayMs : daysTold)
  return {
    longestMs: all.includes(0) ? 0 : Math.max(...all),
    of: all.length === 1 ? undefined : of,
    days: type => days(ofType(type)),
    daysOf: datapoint => days(of(datapoint)),
  }
}
