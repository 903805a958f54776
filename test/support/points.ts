import type { FieldValue, Point, Series } from '../../src/domain/point.ts'

/** A series as the mapping makes them: tags sorted by name. */
export function makeSeries(tags: Readonly<Record<string, string>> = {}, measurement = 'datalog'): Series {
  const all = { gateway: 'plant-a', device: 'Sensor 1', block: 'LightSensor', index: '0', datapoint: 'nvoLux', ...tags }
  return { measurement, tags: new Map(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))) }
}

export function makePoint(series: Series, ms: number, fields: Record<string, FieldValue>, nanos = 0): Point {
  return { series, at: { ms, nanos }, fields }
}

/** One number a second from `from` on. */
export function makePoints(series: Series, count: number, from = 1_600_000_000_000): Point[] {
  return Array.from({ length: count }, (_, i) => makePoint(series, from + i * 1000, { value: i / 3 }))
}
