import type { Entry, History } from './history.ts'
import type { Datapoint, Device } from './site.ts'

/** Rows of a recording whose times lie together, so that a request can skip the others. */
interface Chunk {
  readonly rows: readonly Entry[]
  readonly oldest: number
  readonly newest: number
}

const chunkRows = 1024

/**
 * A history of rows held in memory. They are served in the order given: a recording shows the disorder of the gateway it was
 * made on. Everything in it counts as stored, whatever the clock says.
 */
export function createRecording(devices: readonly Device[], rows: readonly Entry[]): History {
  const chunks: Chunk[] = []
  for (let i = 0; i < rows.length; i += chunkRows) {
    const part = rows.slice(i, i + chunkRows)
    const times = part.map(row => row.ms)
    chunks.push({ rows: part, oldest: Math.min(...times), newest: Math.max(...times) })
  }
  const start = chunks.reduce((least, chunk) => Math.min(least, chunk.oldest), Number.POSITIVE_INFINITY)
  const last = chunks.reduce((most, chunk) => Math.max(most, chunk.newest), Number.NEGATIVE_INFINITY)

  function* merged(filter: (datapoint: Datapoint) => boolean, after: number, until: number): Generator<Entry> {
    for (const chunk of chunks) {
      if (chunk.newest < after || chunk.oldest > until) continue
      for (const row of chunk.rows) {
        const isAfter = row.ms > after || (row.ms === after && row.nanos > 0)
        const isUntil = row.ms < until || (row.ms === until && row.nanos === 0)
        if (isAfter && isUntil && filter(row.datapoint)) yield row
      }
    }
  }

  return {
    devices,
    datapoints: devices.flatMap(device => device.datapoints),
    start: Number.isFinite(start) ? start : 0,
    last: () => (Number.isFinite(last) ? last + 1 : 0),
    entries: (datapoint, after, until) => merged(other => other === datapoint, after, until),
    merged,
  }
}
