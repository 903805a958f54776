import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'
import type { Sink } from '../sink.ts'
import { type Ask, openAsk } from './ask.ts'
import { openBatchSize } from './batch-size.ts'
import { checkInflux } from './check.ts'
import { openConnection } from './connection.ts'
import { deliver } from './delivery.ts'
import { fitPoints } from './fitting.ts'
import { openFlights } from './flights.ts'
import { type Kind, kinds } from './kinds.ts'
import { openMeeting } from './meeting.ts'
import { openPatience } from './patience.ts'
import { type InfluxOptions, placeOf } from './place.ts'
import { openProbe } from './probe.ts'

/** The database goes by a clock of its own. */
const clockDoubtMs = 60_000

/**
 * InfluxDB 1.x, 2.x, 3.x and whatever speaks their write API. Opening touches no network: a database that is away
 * at the start is waited for by the first write. Throws a RangeError for options that name no place.
 */
export async function openInfluxSink(options: InfluxOptions, parts: { clock: Clock; log: Logger }): Promise<Sink> {
  const { clock, log } = parts
  const place = placeOf(options)
  const connection = openConnection(options, place)
  const patience = openPatience({ clock, log, label: place.label })
  const probe = openProbe({ connection, place, clock })
  const delivery = { connection, place, clock, patience, probe, size: openBatchSize() }
  const flights = openFlights()
  const ask: Ask = openAsk(delivery)
  const { measurements = ['datalog'], numberFields = [] } = options
  const questionOf = (signal: AbortSignal) => ({ ask, place, signal, measurements, numberFields })
  const meet = openMeeting({ ...delivery, options, log, questionOf })
  /** What another process wrote a moment ago is not seen either. */
  let isSettled = false
  async function settled(signal: AbortSignal): Promise<Kind> {
    const kind = kinds[(await meet(signal)).kind]
    if (!isSettled) await kind.settle?.(questionOf(signal), clock)
    isSettled = true
    return kind
  }

  return {
    id: place.id,
    label: place.label,
    write: (points, signal, waiting = {}) =>
      flights.run(points, async () => {
        signal.throwIfAborted()
        isSettled = false
        const { kind, retentionMs, aheadMs } = await meet(signal, waiting)
        const now = clock.now()
        const kept = {
          oldest: retentionMs === undefined ? undefined : now - retentionMs,
          newest: aheadMs === undefined ? undefined : now + aheadMs - clockDoubtMs,
        }
        const { points: fitting, refused, parts } = fitPoints(points, kinds[kind], kept)
        const { written, rejected } = await deliver(
          fitting,
          { ...delivery, waiting, lineOf: kinds[kind].lineOf },
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
    ready: (signal, waiting = {}) => patience.outlast(probe.send, signal, waiting),
    check: signal => checkInflux(questionOf(signal), options, clock),
    async count(series, range, signal) {
      const { readBack } = await settled(signal)
      return readBack.count(questionOf(signal), series, range)
    },
    async *read(series, range, signal) {
      const { readBack } = await settled(signal)
      yield* readBack.read(questionOf(signal), series, range)
    },
    async close() {
      connection.close()
    },
  }
}
