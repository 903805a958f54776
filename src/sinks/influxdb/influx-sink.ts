import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'
import type { Series } from '../../domain/point.ts'
import type { Sink } from '../sink.ts'
import { createBatchSize, writeBatches } from './batch-writer.ts'
import { checkInflux } from './check.ts'
import { openConnection } from './connection.ts'
import { dialects } from './dialects.ts'
import { type DialectName, endpointOf, type InfluxOptions } from './endpoint.ts'
import { createOutageGate, createProbe } from './outage.ts'
import { prefilter } from './prefilter.ts'
import { createQuery, type QueryContext } from './query.ts'
import { createDetection } from './server-detection.ts'
import { longestSliceMs } from './sql.ts'
import { createWriteQueue } from './write-queue.ts'

/** The clock of the database may differ from ours by so much. */
const clockDoubtMs = 60_000

/**
 * InfluxDB 1.x, 2.x, 3.x and what speaks their write API. Opening touches no network: a database that is away at the
 * start is waited for by the first write. Throws a RangeError for options that name no database.
 */
export async function openInfluxSink(options: InfluxOptions, parts: { clock: Clock; log: Logger }): Promise<Sink> {
  const { clock, log } = parts
  const endpoint = endpointOf(options)
  const connection = openConnection(options, endpoint)
  const outages = createOutageGate({ clock, log, label: endpoint.label })
  const query = createQuery({ connection, endpoint, clock })
  const size = createBatchSize()
  const queue = createWriteQueue()
  const { measurements = ['datalog'], numberFields = [], tagNames = [] } = options
  const slice = { ms: longestSliceMs }
  const contextOf = (signal: AbortSignal): QueryContext => ({
    ...{ query, endpoint, signal, measurements, numberFields, tagNames, slice },
  })
  const detection = createDetection({ connection, endpoint, outages, options, contextOf, clock, log })
  let found: DialectName = `influxdb-${endpoint.api}`
  const detect: typeof detection = async (signal, waiting) => {
    const traits = await detection(signal, waiting)
    found = traits.dialect
    queue.allow(dialects[found].writesInFlight)
    return traits
  }
  const probe = createProbe({ connection, endpoint, clock, dialect: () => found })
  /** What another process wrote a moment ago is not seen by queries either. */
  let isSettled = false
  async function readBack(signal: AbortSignal) {
    const dialect = dialects[(await detect(signal)).dialect]
    if (!isSettled) await dialect.settle?.(contextOf(signal), clock)
    isSettled = true
    return dialect.readBack
  }

  return {
    id: endpoint.id,
    label: endpoint.label,
    write: (points, signal, waiting = {}) =>
      queue.run(points, async () => {
        signal.throwIfAborted()
        isSettled = false
        const { dialect, retentionMs, aheadMs } = await detect(signal, waiting)
        const { lineOf } = dialects[dialect]
        const now = clock.now()
        const kept = {
          oldest: retentionMs === undefined ? undefined : now - retentionMs,
          newest: aheadMs === undefined ? undefined : now + aheadMs - clockDoubtMs,
        }
        const { points: fitting, refused, wholeOf } = prefilter(points, dialects[dialect], kept)
        const writer = { connection, endpoint, dialect, outages, size, clock, lineOf, probe, waiting }
        const { written, rejected } = await writeBatches(fitting, writer, signal)
        const whole = rejected.map(it => ({ ...it, point: wholeOf.get(it.point) ?? it.point }))
        return { written, rejected: [...refused, ...whole] }
      }),
    async ready(signal, waiting = {}) {
      // a write that was refused for good is asked about before anything else is done for it
      if (probe.isRefused) await probe.send(signal)
      await outages.outlast(probe.send, signal, waiting)
    },
    check: (signal, purpose = 'write') => checkInflux(contextOf(signal), options, purpose, clock),
    async identity(signal) {
      return dialects[(await detect(signal)).dialect].identity(contextOf(signal))
    },
    async makeDurable(signal) {
      await dialects[(await detect(signal)).dialect].makeDurable?.(contextOf(signal), clock)
    },
    async counts(series, range, signal) {
      const { counts } = await readBack(signal)
      const all = new Map<Series, number>()
      for (const group of Map.groupBy(series, ({ measurement }) => measurement).values())
        for (const [one, n] of await counts(contextOf(signal), group, range)) all.set(one, n)
      return all
    },
    async *read(series, range, signal) {
      const { read } = await readBack(signal)
      yield* read(contextOf(signal), series, range)
    },
    async forget(series, signal) {
      await readBack(signal)
      const { forget } = dialects[(await detect(signal)).dialect]
      for (const one of series) await forget(contextOf(signal), one)
      isSettled = false
    },
    async close() {
      connection.close()
    },
  }
}
