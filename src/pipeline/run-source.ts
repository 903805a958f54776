import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { IdMeaning } from '../domain/device-meaning.ts'
import type { Frame } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { type DatapointProblem, isUnknown } from '../inventory/datapoint-problems.ts'
import { leastPerDay } from '../inventory/density.ts'
import { createDeviceIdOf, createDeviceIds, type DeviceIds } from '../inventory/device-ids.ts'
import { type DeviceMeanings, findMovedIds } from '../inventory/device-meanings.ts'
import { createRetention, type RetentionOf } from '../inventory/retention.ts'
import { type Survey, type SurveyedGateway, surveySite } from '../inventory/survey.ts'
import { type Device, readDevices } from '../smartserver/discovery.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import type { GatewayMonitor } from '../smartserver/gateway-monitor.ts'
import { canBeSent } from '../smartserver/log-query.ts'
import type { Listing, RunSource } from './job.ts'

type OwnClock = Pick<Gateway['clock'], 'now' | 'isOwnTime'>

interface RunSourceParts {
  readonly gateway: SurveyedGateway & Pick<Gateway, 'name' | 'readDataLog'> & { readonly clock: OwnClock }
  readonly monitor: Pick<GatewayMonitor, 'start' | 'hasDeviceChangedSince' | 'notificationsSince'>
  readonly clock: Clock
  readonly log: Logger
  /** What is configured: compared with what the gateway has before its log is asked for. */
  readonly selectors: readonly Selector[]
  readonly meanings: DeviceMeanings
}

/** Devices come and go, but seldom: a daemon reads the list again after this long. */
const surveyRestMs = 24 * 3_600_000
const failedSurveyRestMs = 3_600_000
/** A list without a configured name may be incomplete, after a power cut for example: read again ever more seldom. */
const firstDoubtMs = 60_000
/** The same for a list that answers without entries made doubtful. */
const longestDoubtMs = 3_600_000

/** A gateway as runs see it: its failures carry the notifications that the gateway sent meanwhile. */
export function createRunSource(parts: RunSourceParts): RunSource {
  const { gateway, monitor, clock, log, meanings } = parts
  let survey: Survey | undefined
  let lookAgainAt = Number.NEGATIVE_INFINITY
  let listing: Listing | undefined
  let doubtMs = firstDoubtMs
  let missingMs = firstDoubtMs
  let sentIds = new Map<string, string | undefined>()
  let movedIds: readonly DatapointProblem[] = []
  /** Names that ids were not known by: what the list says of them is still to be read. */
  const doubtedNames = new Map<string, Set<string>>()
  /** Configured ids that mean another device now, or none, by the list as last read. */
  let otherIds: ReadonlySet<string> = new Set()
  const confirmedNames = new Map<string, Set<string>>()
  let retentionReadAt: number | undefined
  let retention: RetentionOf | undefined
  let deviceIds: DeviceIds | undefined

  async function look(signal: AbortSignal): Promise<void> {
    const isChanged = listing !== undefined && monitor.hasDeviceChangedSince(listing.readAt)
    if (clock.elapsed() < lookAgainAt && !(isChanged && clock.elapsed() >= listing!.readAt + firstDoubtMs)) return
    await read(signal)
  }

  async function read(signal: AbortSignal, doubted: readonly Selector[] = []): Promise<void> {
    const readAt = clock.elapsed()
    const found = await surveySite(gateway, parts.selectors, signal, new Set(doubted.map(selectorKey)))
    lookAgainAt = clock.elapsed() + (found.failure === undefined ? surveyRestMs : failedSurveyRestMs)
    if (found.failure !== undefined) {
      const { code, message } = found.failure
      log.warn({ gateway: gateway.name, code, error: message }, 'the configured datapoints cannot be checked')
    }
    if (found.site === undefined) return
    survey = found
    movedIds = findMovedIds(parts.selectors, found.site.devices, meanings)
    const movedAway = new Set(movedIds.map(({ selector }) => idIn(selector)))
    const listed = new Set(found.site.devices.map(({ id }) => id))
    otherIds = new Set([...byId].filter(id => movedAway.has(id) || !listed.has(id)))
    confirmNames()
    const unknown = new Set(
      [...found.problems, ...movedIds].filter(isUnknown).map(({ selector }) => selectorKey(selector)),
    )
    if (unknown.size > 0) {
      lookAgainAt = Math.min(lookAgainAt, clock.elapsed() + missingMs)
      missingMs = Math.min(surveyRestMs, missingMs * 2)
    } else missingMs = firstDoubtMs
    const now = sentIdsOf(parts.selectors, found.site.devices)
    const moved = new Set(
      [...now].filter(([key, is]) => sentIds.has(key) && sentIds.get(key) !== is).map(([key]) => key),
    )
    sentIds = now
    listing = {
      readAt,
      has(selector) {
        const key = selectorKey(selector)
        if (unknown.has(key) || moved.has(key)) return false
        // log rules go by XIF names: they do not show that an instance still has its name
        const isByInstance = selector.point !== undefined && 'name' in selector.point
        return isByInstance && !found.confirmed.has(key) ? undefined : true
      },
    }
    retentionReadAt = clock.now()
    retention = createRetention(found.site.devices, found.site.rules)
    deviceIds = createDeviceIds(found.site.devices)
  }

  const byId = new Set(parts.selectors.flatMap(selector => idIn(selector) ?? []))
  function idMeaning(id: string, name: string): IdMeaning {
    if (!byId.has(id)) return 'same'
    const known = meanings.of(id)
    if (known === undefined || known.name === name || confirmedNames.get(id)?.has(name) === true) return 'same'
    if (otherIds.has(id)) return 'another'
    doubtedNames.set(id, (doubtedNames.get(id) ?? new Set()).add(name))
    return 'doubtful'
  }

  /** The list was read after these names were seen: an id that means what it meant has more than one name in its log. */
  function confirmNames(): void {
    for (const [id, names] of doubtedNames)
      if (!otherIds.has(id)) confirmedNames.set(id, new Set([...(confirmedNames.get(id) ?? []), ...names]))
    doubtedNames.clear()
  }

  /** The id of a device may change while its name does not: it is asked for by none that is not fresh. */
  const goesById = parts.selectors.some(
    ({ device }) => device !== undefined && 'name' in device && !canBeSent(device.name),
  )
  async function learnIds(signal: AbortSignal): Promise<void> {
    try {
      gateway.knowDevices(createDeviceIdOf(await readDevices(gateway, signal)))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      gateway.knowDevices(undefined)
    }
  }

  return {
    name: gateway.name,
    clock: gateway.clock,
    async hello(signal) {
      await gateway.hello(signal)
      monitor.start()
      await look(signal)
      if (goesById && clock.now() > (retentionReadAt ?? Number.NEGATIVE_INFINITY)) await learnIds(signal)
    },
    retentionOf: selectors => retention?.(selectors),
    deviceIdOf: shown => deviceIds?.(shown),
    listing: () => listing,
    async readListAgain(doubted, signal) {
      const known = listing
      const isKnown = known !== undefined && doubted.every(selector => known.has(selector) !== undefined)
      const isRecent = isKnown && doubtedNames.size === 0
      if (isRecent && clock.elapsed() - known.readAt < doubtMs) return
      const before = listing
      await read(signal, doubted)
      doubtMs = Math.min(longestDoubtMs, doubtMs * 2)
      if (parts.selectors.some(selector => before?.has(selector) !== listing?.has(selector))) doubtMs = firstDoubtMs
    },
    expectedPerDay(selector) {
      const site = survey?.site
      return site && leastPerDay(selector, site.devices, site.rules)
    },
    hasOwnTime: () => gateway.clock.isOwnTime,
    retentionReadAt: () => retentionReadAt,
    problems: () => [...(survey?.problems ?? []), ...movedIds],
    ...(byId.size === 0 ? {} : { idMeaning }),
    async *readDataLog(request: DataLogRequest, signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
      const began = clock.now()
      try {
        yield* gateway.readDataLog(request, signal)
      } catch (error) {
        throw error instanceof Failure ? withNotifications(error, monitor.notificationsSince(began)) : error
      }
    },
  }
}

function idIn({ device }: Selector): string | undefined {
  return device !== undefined && 'id' in device ? device.id : undefined
}

/** The ids that are sent in place of names that no query can say. */
function sentIdsOf(selectors: readonly Selector[], devices: readonly Device[]): Map<string, string | undefined> {
  const idOf = createDeviceIdOf(devices)
  return new Map(
    selectors.flatMap(selector => {
      const { device } = selector
      if (device === undefined || 'id' in device || canBeSent(device.name)) return []
      return [[selectorKey(selector), idOf(device.name)] as const]
    }),
  )
}

/** Some errors of a request are reported on the general socket alone (protocol §5). */
function withNotifications(failure: Failure, notifications: readonly string[]): Failure {
  if (notifications.length === 0) return failure
  const heard = `The gateway said meanwhile: "${notifications.slice(-3).join('", "')}".`
  return failure.advising(failure.advice === undefined ? heard : `${failure.advice} ${heard}`)
}
