import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'
import type { Sink } from '../sink.ts'
import { createBatchSize, writeBatches } from './batch-writer.ts'
import { checkInflux } from './check.ts'
import { openConnection } from './connection.ts'
import { type Dialect, dialects } from './dialects.ts'
import { endpointOf, type InfluxOptions } from './endpoint.ts'
import { createOutageGate, createProbe } from './outage.ts'
import { prefilter } from './prefilter.ts'
import { createQuery, type Query } from './query.ts'
import { createDetection } from './server-detection.ts'
import { createWriteQueue } from './write-queue.ts'

/** The database goes by a clock of its own. */
const clockDoubtMs = 60_000

/**
 * InfluxDB 1.x, 2.x, 3.x and whatever speaks their write API. Opening touches no network: a database that is away
 * at the start is waited for by the first write. Throws a RangeError for options that name no endpoint.
 */
export async function openInfluxSink(options: InfluxOptions, parts: { clock: Clock; log: Logger }): Promise<Sink> {
  const { clock, log } = parts
  const endpoint = endpointOf(options)
  const connection = openConnection(options, endpoint)
  const outages = createOutageGate({ clock, log, label: endpoint.label })
  const probe = createProbe({ connection, endpoint, clock })
  const delivery = { connection, endpoint, clock, outages, probe, size: createBatchSize() }
  const queue = createWriteQueue()
  const ask: Query = createQuery(delivery)
  const { measurements = ['datalog'], numberFields = [] } = options
  const contextOf = (signal: AbortSignal) => ({ ask, endpoint, signal, measurements, numberFields })
  const meet = createDetection({ ...delivery, options, log, contextOf })
  /** What another process wrote a moment ago is not seen either. */
  let isSettled = false
  async function settled(signal: AbortSignal): Promise<Dialect> {
    const kind = dialects[(await meet(signal)).kind]
    if (!isSettled) await kind.settle?.(contextOf(signal), clock)
    isSettled = true
    return kind
  }

  return {
    id: endpoint.id,
    label: endpoint.label,
    write: (points, signal, waiting = {}) =>
      queue.run(points, async () => {
        signal.throwIfAborted()
        isSettled = false
        const { kind, retentionMs, aheadMs } = await meet(signal, waiting)
        const now = clock.now()
        const kept = {
          oldest: retentionMs === undefined ? undefined : now - retentionMs,
          newest: aheadMs === undefined ? undefined : now + aheadMs - clockDoubtMs,
        }
        const { points: fitting, refused, parts } = prefilter(points, dialects[kind], kept)
        const { written, rejected } = await writeBatches(
          fitting,
          { ...delivery, waiting, lineOf: dialects[kind].lineOf },
          signal,
        )
        if (parts.size === 0) return { written, rejected: [...refused, ...rejected] }
        // Parts belong to points that are refused already: neither their writing nor their refusal counts.
        const whole = rejected.filter(({ point }) => !parts.has(point))
        const lost = new Set(rejected.map(({ point }) => parts.get(point)))
        return {
          written: written - (parts.size - (rejected.length - whole.length)),
          rejected: [...refused.map(it => (it.partly && lost.has(it.point) ? { ...it, partly: false } : it)), ...whole],
        }
      }),
    ready: (signal, waiting = {}) => outages.outlast(probe.send, signal, waiting),
    check: signal => checkInflux(contextOf(signal), options, clock),
    async count(series, range, signal) {
      const { readBack } = await settled(signal)
      return readBack.count(contextOf(signal), series, range)
    },
    async *read(series, range, signal) {
      const { readBack } = await settled(signal)
      yield* readBack.read(contextOf(signal), series, range)
    },
    async close() {
      connection.close()
    },
  }
}
