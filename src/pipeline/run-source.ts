import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import type { Selector } from '../domain/datapoint.ts'
import type { Frame } from '../domain/entry.ts'
import { Failure } from '../domain/failure.ts'
import type { DataLogRequest } from '../domain/request.ts'
import { createDeviceIdOf, createDeviceIds, type DeviceIds } from '../inventory/device-ids.ts'
import { createRetention, type Retention } from '../inventory/retention.ts'
import { type Survey, surveySite } from '../inventory/survey.ts'
import { readDevices } from '../smartserver/discovery.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import type { GatewayMonitor } from '../smartserver/gateway-monitor.ts'
import { canBeSent } from '../smartserver/log-query.ts'
import type { RunSource } from './job.ts'

export interface RunSourceParts {
  readonly gateway: Gateway
  readonly monitor: GatewayMonitor
  readonly clock: Clock
  readonly log: Logger
  /** What is configured: compared with what the gateway has before its log is asked for. */
  readonly selectors: readonly Selector[]
}

/** Devices come and go, but seldom: a daemon looks at them again after this long. */
const surveyRestMs = 24 * 3_600_000
const failedSurveyRestMs = 3_600_000

/** A gateway as runs see it: its failures carry the notifications that the gateway sent meanwhile. */
export function createRunSource(parts: RunSourceParts): RunSource {
  const { gateway, monitor, clock, log } = parts
  let survey: Survey | undefined
  let lookAgainAt = Number.NEGATIVE_INFINITY
  let toldAt: number | undefined
  let retention: Retention | undefined
  let deviceIds: DeviceIds | undefined

  async function look(signal: AbortSignal): Promise<void> {
    if (clock.now() < lookAgainAt) return
    const found = await surveySite(gateway, parts.selectors, signal)
    lookAgainAt = clock.now() + (found.failure === undefined ? surveyRestMs : failedSurveyRestMs)
    if (found.failure !== undefined) {
      const { code, message } = found.failure
      log.warn({ gateway: gateway.name, code, error: message }, 'the configured datapoints cannot be checked')
    }
    if (found.site === undefined) return
    survey = found
    toldAt = clock.now()
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
      if (goesById && clock.now() > (toldAt ?? Number.NEGATIVE_INFINITY)) await learnIds(signal)
    },
    retentionOf: selectors => retention?.(selectors),
    deviceIdOf: shown => deviceIds?.(shown),
    hasOwnTime: () => gateway.clock.isOwnTime,
    toldAt: () => toldAt,
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

/** Some errors of a request are told on the general socket alone (protocol §5). */
function withNotifications(failure: Failure, notifications: readonly string[]): Failure {
  if (notifications.length === 0) return failure
  const heard = `The gateway said meanwhile: "${notifications.slice(-3).join('", "')}".`
  return failure.advising(failure.advice === undefined ? heard : `${failure.advice} ${heard}`)
}
