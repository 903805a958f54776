import { type DatapointName, type Selector, selectorMatches } from '../domain/datapoint.ts'
import type { IdMeaning } from '../domain/device-meaning.ts'
import { type Frame, isRejection, type LogEntry, type Rejection } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import type { Point } from '../domain/point.ts'
import { answerMayHold } from '../domain/range.ts'
import { type DataLogRequest, requestText } from '../domain/request.ts'
import type { Mapping } from '../points/mapping.ts'
import { createRoutes } from '../points/routes.ts'
import { decodeEntry, gatewayError } from '../smartserver/entry.ts'
import { gatewayFailure } from '../smartserver/failures.ts'

/**
 * What can become of a frame; for each frame exactly one of these is called (law 5). `selectors` are positions in the
 * request's selectors: those that the entry was asked for by. A visitor, so that reading a frame allocates nothing else.
 */
export interface Fates {
  /**
   * Not asked for. `isForeign`: within the range, and no selector names its device: a filter by device would have
   * kept it back. `isFuture`: later than the gateway's own clock.
   */
  outside(entry: LogEntry, isForeign: boolean, isFuture: boolean): void
  /** Its value is null. */
  empty(entry: LogEntry, selectors: readonly number[]): void
  /** `entry` is undefined and `selectors` empty where the frame does not say which datapoint it is about. */
  rejected(rejection: Rejection, frame: Frame, entry: LogEntry | undefined, selectors: readonly number[]): void
  point(point: Point, frame: Frame, entry: LogEntry, selectors: readonly number[]): void
}

export interface EntryReaderParts {
  readonly mapping: Pick<Mapping, 'map'>
  /** The id of a device by what its entries call it, as far as the gateway's device list explains it. */
  readonly deviceIdOf?: ((shown: string) => string | undefined) | undefined
  /** What a configured id means in an entry that bears this name. */
  readonly idMeaning?: ((id: string, name: string) => IdMeaning) | undefined
  /** The gateway's. */
  readonly clock: { now(): number }
}

/** Throws a Failure for a frame that is not an entry but an error of the gateway (law 13). */
export type EntryReader = (frame: Frame, fates: Fates) => void

/** The gateway's clock is known no better than this; what is later is of the future. */
const clockDoubtMs = 60_000

/** In place of an id that is configured for another device: no rule is to take it for that one. */
const movedId = ''

const noSelectors: readonly number[] = []

/** What a datapoint is to a request: worked out once for each, so that the cost of an entry does not grow with the selectors. */
interface Role {
  readonly selectors: readonly number[]
  readonly isForeign: boolean
  /** `by-list`: selectors name devices by id, and this is none of these ids: the device list may say which it is. */
  readonly id: 'as-named' | 'by-list' | 'by-list-only'
}

/**
 * Reads the frames of one request: decodes them, finds out what was asked for, and maps that to points. The gateway's
 * filters are not relied upon: some releases ignore them (protocol §2.1).
 */
export function createEntryReader(
  request: DataLogRequest,
  { mapping, deviceIdOf, idMeaning, clock }: EntryReaderParts,
): EntryReader {
  const roles = createRoutes(createRoles(request.selectors))
  const mapped = (entry: LogEntry) => {
    try {
      return mapping.map(entry)
    } catch (error) {
      if (error instanceof Failure) throw error
      return mappingFailed(error)
    }
  }
  const isFuture = ({ at }: LogEntry) => at.ms > clock.now() + clockDoubtMs
  return (frame, fates) => {
    const decoded = decodeEntry(frame)
    if (isRejection(decoded)) {
      if (decoded.reason === gatewayError) throw errorInAnswer(request, frame)
      return fates.rejected(decoded, frame, undefined, noSelectors)
    }
    if (!answerMayHold(request.range, decoded.at)) return fates.outside(decoded, false, isFuture(decoded))
    let entry = idMeaning === undefined ? decoded : meant(decoded, request, idMeaning)
    let role = roles.find(entry.datapoint)
    if (role.id !== 'as-named') {
      const deviceId = deviceIdOf?.(entry.datapoint.deviceId)
      if (deviceId !== undefined) {
        entry = { ...entry, datapoint: { ...entry.datapoint, deviceId } }
        role = roles.find(entry.datapoint)
      } else if (role.id === 'by-list-only') return fates.rejected(unknownDevice, frame, undefined, noSelectors)
    }
    const { selectors } = role
    if (selectors.length === 0) return fates.outside(entry, role.isForeign, isFuture(entry))
    const point = mapped(entry)
    if (point === undefined) fates.empty(entry, selectors)
    else if ('reason' in point) fates.rejected(point, frame, entry, selectors)
    else fates.point(point, frame, entry, selectors)
  }
}

/** The reason of entries that a device list might explain. */
export const unknownDeviceId = 'unknown-device-id'

/**
 * Where devices are configured by id, entries may name them in another way (protocol §3.1). What the device list does not
 * explain is rejected: if it counted as not asked for, all entries of a configured device could be lost unnoticed.
 */
const unknownDevice: Rejection = {
  reason: unknownDeviceId,
  detail:
    'The configuration names the device by id; the entry names it in another way that the device list does not explain.',
}

/** A fault of the program, met with one entry, must not cost the others (law 15). */
function mappingFailed(error: unknown): Rejection {
  const message = error instanceof Error ? error.message : String(error)
  return {
    reason: 'mapping-failed',
    detail: `The program could not map the entry (${message}). This is a bug: please report it with this entry. The entry is kept, and can be replayed with a version that maps it.`,
  }
}

function createRoles(selectors: readonly Selector[]): (datapoint: DatapointName) => Role {
  const devices = selectors.map(({ device }): Selector => (device === undefined ? {} : { device }))
  const ids = new Set(devices.flatMap(({ device }) => (device !== undefined && 'id' in device ? [device.id] : [])))
  const arePlain = [...ids].every(isPlainId)
  return datapoint => {
    const matching = selectors.flatMap((selector, i) => (selectorMatches(selector, datapoint) ? [i] : []))
    const isForeign = !devices.some(device => selectorMatches(device, datapoint))
    return { selectors: matching, isForeign, id: idOf(datapoint, matching.length > 0) }
  }

  function idOf({ deviceId }: DatapointName, isAskedFor: boolean): Role['id'] {
    if (ids.size === 0 || ids.has(deviceId)) return 'as-named'
    return isAskedFor || (arePlain && isPlainId(deviceId)) ? 'by-list' : 'by-list-only'
  }
}

function isPlainId(id: string): boolean {
  return /^\d+$/.test(id)
}

/** An entry whose id was given to another device is not taken for that of the configured one. */
function meant(
  entry: LogEntry,
  request: DataLogRequest,
  idMeaning: NonNullable<EntryReaderParts['idMeaning']>,
): LogEntry {
  const { datapoint } = entry
  const meaning = idMeaning(datapoint.deviceId, datapoint.device)
  if (meaning === 'doubtful') throw otherName(request, datapoint)
  return meaning === 'same' ? entry : { ...entry, datapoint: { ...datapoint, deviceId: movedId } }
}

/** Nothing of such an answer is written before the gateway's list has told which device the id means. */
function otherName({ gateway, range }: DataLogRequest, { deviceId, device }: DatapointName): Failure {
  return gatewayFailure('device-name-differs', `the entries of device id ${deviceId} bear the name "${device}"`, {
    work: { gateway, range },
  })
}

/** An answer with an error in it is not the whole answer, even if "end" follows. */
function errorInAnswer(request: DataLogRequest, frame: Frame): Failure {
  return gatewayFailure(
    gatewayError,
    `the gateway answered ${requestText(request)} with an error: ${frame.slice(0, 200)}`,
    {
      work: { gateway: request.gateway, range: request.range },
    },
  )
}
