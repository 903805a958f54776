import { createSeries, type Series, seriesKey } from '../domain/point.ts'

/** What the datapoint itself says; a configured tag cannot take its place. */
export const reservedTags: ReadonlySet<string> = new Set(['gateway', 'device', 'block', 'index', 'datapoint'])

interface SeriesPool {
  intern(measurement: string, tags: Readonly<Record<string, string>>): Series
}

/** One object a series: a device that was replaced (another id, the same name) goes on in its old series. */
export function createSeriesPool(): SeriesPool {
  const known = new Map<string, Series>()
  return {
    intern(measurement, tags) {
      const series = createSeries(measurement, tags)
      const key = seriesKey(series)
      const found = known.get(key)
      if (found !== undefined) return found
      known.set(key, series)
      return series
    },
  }
}
