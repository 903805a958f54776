import type { GatewayConfig } from '../config/config.ts'
import { type Clock, clocksDisagreeMs } from '../domain/clock.ts'
import { Failure } from '../domain/failure.ts'
import { concerns, type DatapointProblem, datapointProblem, type KnownDevice } from '../inventory/datapoint-problems.ts'
import { readCertificate, type ShownCertificate } from '../smartserver/certificate.ts'
import { cpuUtilization, onlyPercent } from '../smartserver/cpu.ts'
import { loggedOf, readDevices, readInterface, readLogRules } from '../smartserver/discovery.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import { askJson, memberOf } from '../smartserver/rest-json.ts'

export interface GatewayReport {
  readonly url: string
  /** Why it cannot be used at all. */
  readonly failure: Failure | undefined
  readonly certificate: ShownCertificate | undefined
  readonly release: string | undefined
  /** Gateway minus host, ms. */
  readonly clockOffsetMs: number | undefined
  /** MB */
  readonly logSize: number | undefined
  /** Per cent. */
  readonly cpu: number | undefined
  readonly generalSocket: 'open' | 'refused' | 'off'
  /** What is wrong with the configured datapoints; undefined where they could not be looked at. */
  readonly problems: readonly DatapointProblem[] | undefined
  /** Why not. */
  readonly notChecked: string | undefined
  readonly warnings: readonly string[]
}

/** The vendor's pages stop loading history above this (protocol §4.1). */
const largeLogMb = 1_000
const soonExpiredMs = 30 * 86_400_000
/** How long the general socket is given to open and, where REST does not report the CPU, to bring it. */
const trialMs = 5_000

/** Looks at everything that a run will need of a gateway, without asking for its log. Throws only when aborted. */
export async function checkGateway(
  gateway: Gateway,
  config: GatewayConfig,
  clock: Clock,
  signal: AbortSignal,
): Promise<GatewayReport> {
  const warnings: string[] = []
  const certificate = await orFailure(readCertificate(config.url, signal))
  const nothing = { logSize: undefined, cpu: undefined, generalSocket: 'off', problems: undefined, warnings } as const
  const shown = certificate instanceof Failure ? undefined : certificate
  const hello = await orFailure(gateway.hello(signal))
  const known = {
    url: config.url,
    certificate: shown,
    release: gateway.release,
    clockOffsetMs: gateway.clock.offsetMs,
  }
  if (hello instanceof Failure) return { ...known, ...nothing, failure: hello, notChecked: hello.message }
  if (Math.abs(known.clockOffsetMs ?? 0) > clocksDisagreeMs)
    warnings.push("the gateway's clock differs from this host's by more than a minute: set one of them right")
  if (shown !== undefined && config.tls.kind !== 'fingerprint' && shown.validTo - clock.now() < soonExpiredMs)
    warnings.push('the certificate expires within 30 days, or has expired')
  const storage = await orFailure(askJson(gateway, '/iap/storage', signal))
  const size = memberOf(storage, 'dataLogSize')
  const logSize = typeof size === 'number' ? size : undefined
  if (logSize !== undefined && logSize > largeLogMb)
    warnings.push(`the log holds more than ${largeLogMb} MB: each request may take the gateway minutes`)
  const restCpu = cpuUtilization(memberOf(storage, 'cpuUtilization'))
  const trial = config.generalSocket ? await tryGeneralSocket(gateway, restCpu === undefined, clock, signal) : 'off'
  if (trial === 'refused')
    warnings.push('the general socket does not open: the CPU of old releases and notifications stay unknown')
  const problems = await orFailure(findProblems(gateway, config, signal))
  return {
    ...known,
    failure: undefined,
    logSize,
    cpu: typeof trial === 'number' ? trial : restCpu,
    generalSocket: typeof trial === 'number' ? 'open' : trial,
    ...(problems instanceof Failure
      ? { problems: undefined, notChecked: problems.message }
      : { problems, notChecked: undefined }),
    warnings,
  }
}

/** `open`, or the CPU that it brought; both are answers. */
async function tryGeneralSocket(
  gateway: Gateway,
  needsCpu: boolean,
  clock: Clock,
  signal: AbortSignal,
): Promise<'open' | 'refused' | number> {
  let result: 'open' | 'refused' | number = 'refused'
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const kept = gateway.keepGeneralSocket(
    {
      onUpdate: update => {
        if (!('kind' in update) || update.kind !== 'cpu') return
        const percent = onlyPercent(update.percents)
        if (percent === undefined) return
        result = percent
        stop.abort()
      },
      onOpen: async () => {
        result = 'open'
        if (!needsCpu) stop.abort()
      },
    },
    either,
  )
  await clock.sleep(trialMs, either).catch(() => {})
  stop.abort()
  await kept
  signal.throwIfAborted()
  return result
}

async function findProblems(
  gateway: Gateway,
  { datapoints }: GatewayConfig,
  signal: AbortSignal,
): Promise<DatapointProblem[]> {
  const selectors = datapoints.map(({ selector }) => selector)
  const devices = await readDevices(gateway, signal)
  const rules = await readLogRules(gateway, signal)
  const known: KnownDevice[] = []
  for (const device of devices)
    if (selectors.some(selector => concerns(selector, device))) {
      const interfaces = await readInterface(gateway, device, signal)
      known.push({ device, datapoints: interfaces, logged: loggedOf(device, rules, interfaces) })
    }
  return selectors.flatMap(selector => datapointProblem(selector, devices, known) ?? [])
}

async function orFailure<Value>(promise: Promise<Value>): Promise<Value | Failure> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}
