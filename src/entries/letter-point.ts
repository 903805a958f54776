import type { DatapointName } from '../domain/datapoint.ts'
import { createSeries, type FieldValue, type Point } from '../domain/point.ts'

/** A point as a dead letter holds it, where there is no single frame that it was made of. */
interface PointJson {
  readonly measurement: string
  readonly tags: Readonly<Record<string, string>>
  readonly at: { readonly ms: number; readonly nanos: number }
  readonly fields: Readonly<Record<string, FieldValue>>
}

export function pointJson({ series, at, fields }: Point): PointJson {
  return { measurement: series.measurement, tags: Object.fromEntries(series.tags), at, fields }
}

/** Undefined where the JSON is not a point: the file was edited. */
export function pointOfJson(json: object | undefined): Point | undefined {
  const { measurement, tags, at, fields } = (json ?? {}) as Partial<PointJson>
  if (typeof measurement !== 'string' || tags === undefined || typeof at?.ms !== 'number' || fields === undefined)
    return undefined
  return { series: createSeries(measurement, tags), at: { ms: at.ms, nanos: at.nanos ?? 0 }, fields }
}

export function datapointLabel({ device, block, index, name }: DatapointName): string {
  return `${device}/${block}/${index}/${name}`
}
