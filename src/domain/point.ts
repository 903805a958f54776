import type { Instant } from './instant.ts'
import type { Remark } from './remark.ts'

export type FieldValue = number | string | boolean

/**
 * What a line of values over time is called in the database. Interned: one object a series and run,
 * so that sinks can keep what they derive from it (escaped prefix, row id) in a WeakMap.
 */
export interface Series {
  readonly measurement: string
  /** Only what names the series for good (law 4), sorted by key. */
  readonly tags: ReadonlyMap<string, string>
}

/** With its tags sorted, as each series has them. */
export function createSeries(measurement: string, tags: Readonly<Record<string, string>>): Series {
  return { measurement, tags: new Map(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** Equal for two objects of the same series. */
export function seriesKey({ measurement, tags }: Series): string {
  return JSON.stringify([measurement, [...tags]])
}

/** The tags as text, for a row of a table; equal for equal tags, since they are sorted. */
export function tagsText({ tags }: Series): string {
  return JSON.stringify(Object.fromEntries(tags))
}

/** The same object where there is no text in it. */
export function withoutTexts<Fields extends Readonly<Record<string, FieldValue>>>(fields: Fields): Fields {
  const kept = Object.entries(fields).filter(([, value]) => typeof value !== 'string')
  return kept.length === Object.keys(fields).length ? fields : (Object.fromEntries(kept) as Fields)
}

/** `device/block/index/datapoint`, by the tags that every series has. */
export function seriesLabel({ tags }: Series): string {
  return ['device', 'block', 'index', 'datapoint'].map(key => tags.get(key) ?? '*').join('/')
}

export interface Point {
  readonly series: Series
  readonly at: Instant
  /** Never empty; no NaN and no infinity among the numbers. */
  readonly fields: Readonly<Record<string, FieldValue>>
  /** No part of what is written. */
  readonly remark?: Remark | undefined
}

/** Equal for two points of the same series and time. */
export function pointKey({ series, at }: Pick<Point, 'series' | 'at'>): string {
  return `${at.ms}.${at.nanos} ${seriesKey(series)}`
}
