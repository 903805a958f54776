import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { Frame } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { isUnknown } from '../inventory/datapoint-problems.ts'
import { leastPerDay } from '../inventory/density.ts'
import { createDeviceIdOf, createDeviceIds, type DeviceIds } from '../inventory/device-ids.ts'
import { createRetention, type RetentionOf } from '../inventory/retention.ts'
import { type Survey, surveySite } from '../inventory/survey.ts'
import { type Device, readDevices } from '../smartserver/discovery.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import type { GatewayMonitor } from '../smartserver/gateway-monitor.ts'
import { canBeSent } from '../smartserver/log-query.ts'
import type { Listing, RunSource } from './job.ts'

interface RunSourceParts {
  readonly gateway: Gateway
  readonly monitor: GatewayMonitor
  readonly clock: Clock
  readonly log: Logger
  /** What is configured: compared with what the gateway has before its log is asked for. */
  readonly selectors: readonly Selector[]
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
  const { gateway, monitor, clock, log } = parts
  let survey: Survey | undefined
  let lookAgainAt = Number.NEGATIVE_INFINITY
  let listing: Listing | undefined
  let doubtMs = firstDoubtMs
  let missingMs = firstDoubtMs
  let meanings = new Map<string, string | undefined>()
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
    const unknown = new Set(found.problems.filter(isUnknown).map(({ selector }) => selectorKey(selector)))
    if (unknown.size > 0) {
      lookAgainAt = Math.min(lookAgainAt, clock.elapsed() + missingMs)
      missingMs = Math.min(surveyRestMs, missingMs * 2)
    } else missingMs = firstDoubtMs
    const now = meaningsOf(parts.selectors, found.site.devices)
    const moved = new Set(
      [...now].filter(([key, is]) => meanings.has(key) && meanings.get(key) !== is).map(([key]) => key),
    )
    meanings = now
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
      if (isKnown && clock.elapsed() - known.readAt < doubtMs) return
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
    problems: () => survey?.problems ?? [],
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

/** What the selectors that are asked for by an id mean: that of a name that no query can say, or the name of an id. */
function meaningsOf(selectors: readonly Selector[], devices: readonly Device[]): Map<string, string | undefined> {
  const idOf = createDeviceIdOf(devices)
  const names = new Map(devices.map(({ id, name }) => [id, name]))
  return new Map(
    selectors.flatMap(selector => {
      const { device } = selector
      if (device === undefined) return []
      if ('id' in device) return [[selectorKey(selector), names.get(device.id)] as const]
      return canBeSent(device.name) ? [] : [[selectorKey(selector), idOf(device.name)] as const]
    }),
  )
}

/** Some errors of a request are reported on the general socket alone (protocol §5). */
function withNotifications(failure: Failure, notifications: readonly string[]): Failure {
  if (notifications.length === 0) return failure
  const heard = `The gateway said meanwhile: "${notifications.slice(-3).join('", "')}".`
  return failure.advising(failure.advice === undefined ? heard : `${failure.advice} ${heard}`)
}
