import type { Ending } from './course.ts'
import type { Datapoint } from './site.ts'
import type { Moment } from './timestamps.ts'

/** A request of a capture. What it brought that names no datapoint has its place in it, behind what came before. */
export interface RecordedRequest {
  /** Stands for what no datapoint can be read from. */
  readonly stray: Datapoint
  /** The place of what cannot be dated. */
  readonly place: () => Position
  /** Notes the time of a frame that came. */
  pass(moment: Moment): void
}

type Position = Pick<Moment, 'ms' | 'nanos'>

/** `after` and `until` in ms UTC, as far as the capture has them. */
export function createRecordedRequest(request: Readonly<Record<string, unknown>>, before: Position): RecordedRequest {
  const { query, after, until } = request
  const first = typeof after === 'number' ? after + 1 : before.ms + 1
  const last = typeof until === 'number' ? until : Number.POSITIVE_INFINITY
  let place: Position = { ms: first, nanos: 0 }
  return {
    stray: { ...noDatapoint, strayOf: typeof query === 'string' ? query.replace(/^[^?]*\?/, '') : '' },
    place: () => place,
    pass({ ms, nanos }) {
      // a frame beyond the range has no place that a request for the same range would cover
      if (ms >= first && ms < last) place = { ms, nanos }
      else place = { ms: ms < first ? first : last, nanos: 0 }
    },
  }
}

const noDatapoint: Datapoint = {
  ordinal: -1,
  id: -1,
  deviceId: -1,
  device: '',
  block: '',
  index: -1,
  xif: '',
  name: null,
  qualifier: '',
  dpQualifier: null,
  logInterval: 0,
}

/** How a request ended that came to no "end"; undefined where the gateway had no part in it: it was stopped. */
export function recordedCut({ close, failed }: Readonly<Record<string, unknown>>): Ending | undefined {
  if (typeof close === 'number') return { kind: 'close', code: close }
  if (typeof failed !== 'string') return undefined
  if (failed === 'silence') return { kind: 'stall' }
  return failed === 'connection-broken' ? { kind: 'reset' } : { kind: 'close', code: 1006 }
}
