import PQueue from 'p-queue'
import type { Logger } from 'pino'
import type { Clock } from '../../domain/clock.ts'
import type { Sink, WriteResult } from '../sink.ts'
import { openBatchSize } from './batch-size.ts'
import { checkInflux } from './check.ts'
import { openConnection } from './connection.ts'
import { deliver } from './delivery.ts'
import { openPatience } from './patience.ts'
import { type InfluxOptions, placeOf } from './place.ts'

/** More do not make it faster, and the database has other guests (design §9). */
const mostInFlight = 2

/**
 * InfluxDB 1.x, 2.x, 3.x and whatever speaks their write API. Opening touches no network: a database that is away
 * at the start is waited for by the first write. Throws a RangeError for options that name no place.
 */
export async function openInfluxSink(options: InfluxOptions, parts: { clock: Clock; log: Logger }): Promise<Sink> {
  const { clock, log } = parts
  const place = placeOf(options)
  const connection = openConnection(options, place)
  const delivery = {
    connection,
    place,
    clock,
    patience: openPatience({ clock, log, label: place.label }),
    size: openBatchSize(),
  }
  const flights = new PQueue({ concurrency: mostInFlight })

  return {
    id: place.id,
    label: place.label,
    write(points, signal): Promise<WriteResult> {
      return flights.add(() => {
        signal.throwIfAborted()
        return deliver(points, delivery, signal)
      })
    },
    check: signal => checkInflux(delivery, signal),
    async close() {
      connection.close()
    },
  }
}
