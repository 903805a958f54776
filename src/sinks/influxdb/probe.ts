import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock } from '../../domain/clock.ts'
import type { Connection, HttpRequest } from './connection.ts'
import type { Trouble } from './patience.ts'
import type { Place } from './place.ts'
import { judge } from './verdict.ts'

const gzipped = promisify(gzip)

/** Finds out whether a database that was away takes points again, at the price of one line. */
export interface Probe {
  /** A line that could not be written: to write it once more changes nothing (law 4), and a full disk shows. */
  remember(line: string): void
  /** Undefined: the database answers. Throws a Failure when waiting cannot help. */
  send(signal: AbortSignal): Promise<Trouble | undefined>
}

export function openProbe({ connection, place, clock }: { connection: Connection; place: Place; clock: Clock }): Probe {
  let line: string | undefined
  return {
    remember(text) {
      line = text
    },
    async send(signal) {
      const request = line === undefined ? ({ method: 'GET', path: '/ping' } as const) : await writeRequest(line, place)
      const verdict = judge(await connection.send(request, signal), [], place, clock.now())
      if (verdict.act === 'wait') return verdict
      // what /ping says is judged when the database is met
      if (verdict.act === 'stop' && line !== undefined) throw verdict.failure
      return undefined
    },
  }
}

export async function writeRequest(lines: string, place: Place): Promise<HttpRequest> {
  return {
    method: 'POST',
    path: place.writePath,
    body: await gzipped(lines, { level: 1 }),
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-encoding': 'gzip' },
  }
}
