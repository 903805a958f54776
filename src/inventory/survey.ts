import { type Selector, selectorKey } from '../domain/datapoint.ts'
import { Failure } from '../domain/failure.ts'
import {
  type Device,
  type LogRule,
  loggedOf,
  readDevices,
  readInterface,
  readLogRules,
} from '../smartserver/discovery.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import { concerns, type DatapointProblem, datapointProblem, type KnownDevice } from './datapoint-problems.ts'
import { createDeviceIdOf } from './device-ids.ts'
import { rulesOf } from './retention.ts'

/** A gateway, as far as it is asked what it has. */
export type SurveyedGateway = Pick<Gateway, 'hello' | 'call' | 'knowDevices'>

/** What is known of a gateway before it is asked for any log. */
export interface Survey {
  /** Why nothing is known, or not what it logs. */
  readonly failure: Failure | undefined
  readonly isReached: boolean
  /** Undefined: not known. */
  readonly site: { readonly devices: readonly Device[]; readonly rules: readonly LogRule[] } | undefined
  readonly problems: readonly DatapointProblem[]
  /** Configured datapoints that devices and log rules do not explain, and that were not looked up. */
  readonly unchecked: number
  /** Keys of selectors whose names were found among the datapoints of their device: rules name no instance. */
  readonly confirmed: ReadonlySet<string>
}

/** A survey is cheap for the gateway: `check` asks more devices. */
const mostLookedUp = 20
/** A silent gap would cost more: names that were answered with nothing are looked up on more devices. */
const mostDoubted = 200
const none: ReadonlySet<string> = new Set()

/**
 * Reads release, clock, devices and log rules, and the datapoints of some devices whose configured datapoints those do
 * not explain. Throws only when aborted.
 */
export async function surveyGateway(
  gateway: SurveyedGateway,
  selectors: readonly Selector[],
  signal: AbortSignal,
): Promise<Survey> {
  try {
    await gateway.hello(signal)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { failure: error, isReached: false, site: undefined, problems: [], unchecked: 0, confirmed: none }
  }
  return await surveySite(gateway, selectors, signal)
}

/**
 * The same, of a gateway that has answered already. `doubted`: keys of selectors that rules do not explain well enough,
 * because they were answered with nothing.
 */
export async function surveySite(
  gateway: SurveyedGateway,
  selectors: readonly Selector[],
  signal: AbortSignal,
  doubted: ReadonlySet<string> = none,
): Promise<Survey> {
  let site: Survey['site']
  try {
    const devices = await readDevices(gateway, signal)
    gateway.knowDevices(createDeviceIdOf(devices))
    site = { devices, rules: await readLogRules(gateway, signal) }
    return {
      failure: undefined,
      isReached: true,
      site,
      ...(await findProblems(gateway, { selectors, doubted }, site, signal)),
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { failure: error, isReached: true, site, problems: [], unchecked: 0, confirmed: none }
  }
}

async function findProblems(
  gateway: SurveyedGateway,
  { selectors, doubted }: { readonly selectors: readonly Selector[]; readonly doubted: ReadonlySet<string> },
  { devices, rules }: NonNullable<Survey['site']>,
  signal: AbortSignal,
): Promise<Pick<Survey, 'problems' | 'unchecked' | 'confirmed'>> {
  const known = new Map<Device, KnownDevice>()
  const problems: DatapointProblem[] = []
  const confirmed = new Set<string>()
  let unchecked = 0
  for (const selector of selectors) {
    const here = devices.filter(device => concerns(selector, device))
    const isSure = selector.device === undefined || here.length === 1
    const isDoubted = doubted.has(selectorKey(selector))
    if (isSure && !isDoubted && isLoggedByRule(selector, here, rules)) continue
    // several devices of one name are a problem whatever they hold
    const unread = isSure ? here.filter(device => !known.has(device)) : []
    if (known.size + unread.length > (isDoubted ? mostDoubted : mostLookedUp)) {
      unchecked++
      continue
    }
    for (const device of unread) {
      const datapoints = await readInterface(gateway, device, signal)
      known.set(device, { device, datapoints, logged: loggedOf(device, rules, datapoints) })
    }
    const problem = datapointProblem(selector, devices, [...known.values()])
    if (problem !== undefined) problems.push(problem)
    else confirmed.add(selectorKey(selector))
  }
  return { problems, unchecked, confirmed }
}

/** Most datapoints have no instance name of their own: the XIF name of the rule is theirs. */
function isLoggedByRule(selector: Selector, devices: readonly Device[], rules: readonly LogRule[]): boolean {
  const { point } = selector
  const named = point !== undefined && 'name' in point ? { ...selector, point: { xif: point.name } } : selector
  return rulesOf(named, devices, rules).length > 0
}
