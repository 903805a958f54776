import type { DatapointName } from '../domain/datapoint.ts'
import type { FieldValue, Point, Series } from '../domain/point.ts'

/** A point as a dead letter holds it, where there is no single frame that it was made of. */
export interface PointJson {
  readonly measurement: string
  readonly tags: Readonly<Record<string, string>>
  readonly at: { readonly ms: number; readonly nanos: number }
  readonly fields: Readonly<Record<string, FieldValue>>
}

export function pointJson({ series, at, fields }: Point): PointJson {
  return { measurement: series.measurement, tags: Object.fromEntries(series.tags), at, fields }
}

/** `device/block/index/datapoint`, by the tags that every series has. */
export function seriesLabel({ tags }: Series): string {
  return ['device', 'block', 'index', 'datapoint'].map(key => tags.get(key) ?? '*').join('/')
}

export function datapointLabel({ device, block, index, name }: DatapointName): string {
  return `${device}/${block}/${index}/${name}`
}
