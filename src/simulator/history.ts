import type { Ending } from './course.ts'
import { mergeByTime } from './merge.ts'
import { isDrawn, type OdditySettings, storageTime, strangeSample } from './oddities.ts'
import { mix, unit } from './random.ts'
import { type JsonValue, signals } from './signals.ts'
import type { BuiltSite, Datapoint, Device } from './site.ts'
import { compareMoments, formatMoment, type Moment } from './timestamps.ts'

/** One stored entry, as true as it gets: what a database filled from the gateway must hold. */
export interface Entry extends Moment {
  readonly datapoint: Datapoint
  /** UTC with every digit the gateway stored, without zone: `2022-04-11T08:00:00.000`. */
  readonly utcText: string
  readonly value: JsonValue
  /** `value` as JSON text, the way the gateway writes it. */
  readonly valueText: string
  /** When it became visible to requests, ms UTC: its own time, later for a late entry, earlier for one from the future; -Infinity if it is there whatever the clock says. */
  readonly storedAt: number
  /** The frame as it was captured, where the history is a recording. */
  readonly raw?: string
  /** In a recording: the frame came between "end" and the close. */
  readonly isAfterEnd?: true
  /** In a recording, in place of a frame: the answer ended here without "end". */
  readonly cut?: Ending
}

/** What a gateway has stored. Ranges are `(after, until]` in ms UTC, compared with all digits (protocol §2.2). */
export interface History {
  readonly devices: readonly Device[]
  readonly datapoints: readonly Datapoint[]
  /** Nothing before this time (ms UTC, inclusive) is stored. */
  readonly start: number
  /** No entry visible at `now` is after this time, ms UTC. */
  last(now: number): number
  /** The entries of one datapoint in order of time. */
  entries(datapoint: Datapoint, after: number, until: number): Iterable<Entry>
  /** The entries of all datapoints that pass, in order of time, ties in the order of the datapoints. */
  merged(filter: (datapoint: Datapoint) => boolean, after: number, until: number): Iterable<Entry>
}

export interface HistorySettings {
  readonly seed: number
  /** Base interval of the regular datapoints, ms. */
  readonly intervalMs: number
  readonly start: number
  /** Fraction digits stored, 0 to 9. */
  readonly fractionDigits: number
  readonly oddities: OdditySettings
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** One datapoint's place in time: its buckets, and what is drawn for each. */
interface Channel {
  readonly datapoint: Datapoint
  readonly bucketMs: number
  readonly phaseMs: number
  readonly irregular: boolean
  /** The id that the device had first: outages hang on it, and ids can change. */
  readonly deviceId: number
  readonly seed: number
  readonly character: number
  readonly signal: (typeof signals)[keyof typeof signals]
}

/**
 * A history that is computed, never stored: time is cut into buckets, and what is in bucket k follows from the seed, the
 * datapoint and k alone. So it reaches back any length in no memory, and any two ranges that tile give the same entries as the whole.
 */
export function createHistory(site: BuiltSite, settings: HistorySettings): History {
  const { fractionDigits: digits, oddities } = settings
  const msStep = digits >= 3 ? 1 : 10 ** (3 - digits)
  const nanosStep = 10 ** (9 - digits)
  const channels = site.datapoints.map((datapoint): Channel => {
    const kind = site.kinds[datapoint.ordinal]!
    const seed = mix(settings.seed, datapoint.id, 1)
    const bucketMs = Math.max(1, Math.round(settings.intervalMs * kind.every))
    // Points of one device that log on the beat are stored in the same millisecond, as one poll stores them.
    const phaseMs = kind.irregular
      ? 0
      : Math.floor(unit(mix(settings.seed, datapoint.deviceId, 2)) * Math.min(bucketMs, 30_000))
    const signal = signals[kind.signal]
    return {
      datapoint,
      bucketMs,
      phaseMs,
      irregular: kind.irregular,
      deviceId: datapoint.deviceId,
      seed,
      character: unit(mix(seed, 3, 0)),
      signal,
    }
  })

  function* entries(datapoint: Datapoint, after: number, until: number): Generator<Entry> {
    if (!Number.isFinite(until)) throw new RangeError('a computed history has no end: until must be finite')
    const channel = channels[datapoint.ordinal]
    if (channel === undefined) return
    const from = Math.max(after, settings.start - 1)
    const first = Math.floor((from - channel.phaseMs) / channel.bucketMs)
    const last = Math.floor((until - channel.phaseMs) / channel.bucketMs)
    for (let k = first; k <= last; k++) {
      for (const entry of bucketEntries(channel, k)) {
        if (entry.ms < settings.start || entry.ms < after || (entry.ms === after && entry.nanos === 0)) continue
        if (entry.ms > until || (entry.ms === until && entry.nanos > 0)) return
        yield entry
      }
    }
  }

  function* bucketEntries(channel: Channel, k: number): Generator<Entry> {
    const start = k * channel.bucketMs + channel.phaseMs
    if (!channel.irregular) {
      if (!isOutage(channel.deviceId, start)) yield* store(channel, start, start, 0, mix(channel.seed, 4, k))
      return
    }
    // None to three changes a bucket, each in its own part of it so that they keep their order.
    const bits = mix(channel.seed, 5, k)
    const count = [0, 1, 1, 1, 1, 2, 2, 3][bits & 7]!
    let previous: Entry | undefined
    for (let j = 0; j < count; j++) {
      const own = mix(bits, 6, j)
      const at = start + ((j + unit(own)) * channel.bucketMs) / count
      const ms = Math.floor(at)
      if (isOutage(channel.deviceId, ms)) continue
      const entries = store(channel, start, ms, mix(own, 7, 0) % 1_000_000, mix(own, 8, 0))
      // Coarse time stamps can make two changes fall on one instant; the gateway's store keeps the first.
      if (previous !== undefined && compareMoments(entries[0]!, previous) <= 0) continue
      previous = entries[0]
      yield* entries
    }
  }

  /** The entry of a change, and its twin with the same time where there is one. */
  function store(channel: Channel, bucketStart: number, exactMs: number, exactNanos: number, bits: number): Entry[] {
    // Never before its own bucket, or a range that ends between the two would lose the entry.
    const ms = Math.max(Math.floor(exactMs / msStep), Math.ceil(bucketStart / msStep)) * msStep
    const nanos = digits <= 3 ? 0 : Math.floor(exactNanos / nanosStep) * nanosStep
    const first = write(channel, ms, nanos, bits)
    if (!isDrawn(oddities.sameMs, bits, 9)) return [first]
    const twin = write(channel, ms, nanos, mix(bits, 10, 0))
    return twin.valueText === first.valueText ? [first] : [first, twin]
  }

  function write({ datapoint, signal, character }: Channel, ms: number, nanos: number, bits: number): Entry {
    const { value, text } = strangeSample(oddities, bits) ?? signal(ms, bits, character)
    const utcText = formatMoment(ms, nanos, digits)
    return { datapoint, ms, nanos, utcText, value, valueText: text, storedAt: storageTime(oddities, ms, bits) }
  }

  /** A device is unreachable for some hours on one day in fifty: gaps are normal (protocol §4). */
  function isOutage(deviceId: number, ms: number): boolean {
    const day = Math.floor(ms / dayMs)
    const bits = mix(settings.seed, deviceId, day)
    if (bits % 50 !== 0) return false
    const from = day * dayMs + ((bits >>> 8) % 16) * hourMs
    return ms >= from && ms < from + (2 + ((bits >>> 16) % 6)) * hourMs
  }

  return {
    devices: site.devices,
    datapoints: site.datapoints,
    start: settings.start,
    last: now => (oddities.future > 0 ? now + 1 + oddities.futureMs : now),
    entries,
    merged: (filter, after, until) =>
      mergeByTime(site.datapoints.filter(filter).map(datapoint => entries(datapoint, after, until))),
  }
}
