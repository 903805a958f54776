import type { Config, GatewayConfig } from '../config/config.ts'
import { type Selector, selectorKey } from '../domain/datapoint.ts'
import type { TimeRange } from '../domain/range.ts'
import { isUnknown, withoutUnknown } from '../inventory/datapoint-problems.ts'
import { loggedAmount } from '../inventory/density.ts'
import { createDeviceIdOf } from '../inventory/device-ids.ts'
import { createRetention } from '../inventory/retention.ts'
import type { Survey } from '../inventory/survey.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { askedText } from '../ledger/receipts.ts'
import { type Backlog, lengthLeft } from '../planning/backlog.ts'
import type { CoolingRanges } from '../planning/cooling.ts'
import { clampToRetention, type Demand } from '../planning/demand.ts'
import { type ClockChange, clockChanges } from '../planning/dst.ts'
import {
  type Density,
  type Estimate,
  estimate,
  guessedPerDay,
  measureDensity,
  measureSpeed,
  type Speed,
  usualBytes,
} from '../planning/estimate.ts'
import type { Pace } from '../planning/pace.ts'
import { planRun } from '../planning/plan.ts'
import { type Risk, riskOf, storedPart } from '../planning/risk.ts'
import { barredBy, type RuleChange, ruleChanges, rulesOf } from '../planning/rule-changes.ts'
import { createWindows } from '../planning/window.ts'
import { sentSelector } from '../smartserver/log-query.ts'
import { gatewayPace } from './gateway-pace.ts'

export interface GatewayPlan {
  readonly name: string
  readonly survey: Survey
  readonly release: string | undefined
  /** Gateway minus host, ms. */
  readonly clockOffsetMs: number | undefined
  readonly zone: string
  /** What is wanted of it, settled or not. */
  readonly range: TimeRange
  /** Milliseconds, summed over datapoints, and how many datapoints lack any. */
  readonly missing: { readonly ms: number; readonly datapoints: number; readonly configured: number }
  readonly estimate: Estimate
  readonly speed: Speed
  /** Datapoints that lack something, by what their density is known from. */
  readonly densities: Readonly<Record<Density['source'], number>>
  /** Datapoints that log every update, or have no interval. */
  readonly irregular: number
  /** Missing time that the database would not keep: it is not asked for. */
  readonly notKept: { readonly ms: number; readonly range: TimeRange } | undefined
  /** Ranges of the wanted time that rest after they have failed: no other figure includes them. */
  readonly parked: CoolingRanges | undefined
  readonly risk: Risk
  readonly clockChanges: readonly ClockChange[]
  readonly limits: GatewayConfig['limits']
  /** What is not asked for before a person has chosen. */
  readonly ruleChanges: readonly RuleChange[]
  /** How a schedule asks it once nothing older is missing. */
  readonly pace: Pace
}

interface PlanParts {
  readonly ledger: Ledger
  /** The sink's id; undefined where the database does not exist yet. */
  readonly sink: string | undefined
  /** Of the database, ms. */
  readonly retentionMs: number | undefined
  /** By the host's clock. */
  readonly now: number
}

/** What is known of a gateway: by itself, and by its clock. */
export interface KnownGateway {
  readonly survey: Survey
  readonly clock: {
    now(): number
    readonly zone: string | undefined
    readonly offsetMs: number | undefined
    readonly isOwnTime: boolean
  }
  readonly release: string | undefined
}

const mostRequests = 100_000
/** The newest requests say most about the next ones. */
const mostReceipts = 2_000

/** What a run with this demand would do on a gateway, and what it would take. Makes no request. */
export function planGateway(
  config: Config,
  gateway: GatewayConfig,
  demand: Demand,
  known: KnownGateway,
  parts: PlanParts,
): GatewayPlan {
  const { survey, clock, release } = known
  const { ledger, sink = '', retentionMs, now } = parts
  const { name, limits } = gateway
  const configured = gateway.datapoints.map(({ selector }) => selector)
  const gatewayNow = clock.now()
  const changes = ruleChanges(rulesOf(gateway.datapoints), ledger.rules.of({ sink, gateway: name }))
  const planned = {
    name,
    now: gatewayNow,
    isOwnTime: clock.isOwnTime,
    newestEntry: ledger.memory.newestEntryOf(name),
    selectors: configured,
    barred: barredBy(changes),
    unknown: survey.problems.filter(isUnknown).map(({ selector }) => selector),
    requests: config.requests,
    maturity: config.sync,
  }
  const plan = (keptMs: number | undefined) => planRun(demand, planned, ledger, { sink, now, keptMs })
  const whole = plan(undefined)
  const { backlog, cooling } = plan(retentionMs)
  const range = whole.wanted
  const ms = lengthLeft(backlog)
  const lacking = selectorsOf(backlog)
  const site = survey.site
  const retentionOf = site === undefined ? () => undefined : createRetention(site.devices, site.rules)
  const past = ledger.receipts.newest({ sink, gateway: name }, mostReceipts)
  const speed = measureSpeed(past)
  const measured = measureDensity(past)
  const densityOf = (together: readonly Selector[]) =>
    measured.get(askedText(together)) ?? expectedDensity(together as Selectors, site)
  const densities = { measured: 0, rules: 0, guessed: 0 }
  for (const selector of lacking.keys()) densities[densityOf(lacking.get(selector)!).source]++
  const risk = riskOf(backlog, retentionOf, gatewayNow)
  const windows = createWindows(config.requests, group => ledger.memory.windowOf(name, group))
  return {
    name,
    survey,
    release,
    clockOffsetMs: clock.offsetMs,
    zone: clock.zone ?? limits.zone,
    range: { after: range.after, until: whole.settled.until },
    missing: { ms, datapoints: lacking.size, configured: configured.length },
    estimate: estimate(backlog, {
      densityOf,
      storedPart: (together, piece) => storedPart(piece, retentionOf(together), gatewayNow),
      speed,
      limits,
      // which group comes first changes nothing about how many requests there are
      order: config.requests.order === 'newest' ? 'newest' : 'oldest',
      windowOf: windows.of,
      learn: (group, piece, done) => windows.adapt(group, { range: piece, ...done }),
      mostRequests,
    }),
    speed,
    densities,
    irregular: countIrregular([...lacking.keys()], site),
    notKept: notKept(range, retentionMs === undefined ? undefined : now - retentionMs, lengthLeft(whole.backlog) - ms),
    parked: cooling,
    risk,
    clockChanges: clockChanges(range, clock.zone ?? limits.zone),
    limits,
    ruleChanges: changes,
    pace: gatewayPace(config, gateway, withoutUnknown(configured, survey.problems), ledger, sink),
  }
}

type Selectors = readonly [Selector, ...Selector[]]

/** Every selector that lacks something, with those that it is asked for together with first. */
function selectorsOf(backlog: Backlog): Map<Selector, readonly Selector[]> {
  const found = new Map<Selector, readonly Selector[]>()
  for (const stretches of backlog.groups.values())
    for (const { selectors } of stretches)
      for (const selector of selectors) if (!found.has(selector)) found.set(selector, selectors)
  return found
}

/** By the log rules; a request brings all of the narrowest selector that holds what it asks for. */
function expectedDensity(together: Selectors, site: Survey['site']): Density {
  if (site === undefined) {
    const perDay = together.length * guessedPerDay
    return { received: perDay, wanted: perDay, bytesPerEntry: usualBytes, source: 'guessed' }
  }
  const perDayOf = (selector: Selector) => {
    const { perDay, irregular } = loggedAmount(selector, site.devices, site.rules, guessedPerDay)
    return perDay + irregular * guessedPerDay
  }
  const wanted = together.reduce((sum, selector) => sum + perDayOf(selector), 0)
  const received = Math.max(
    perDayOf(sentSelector(together, createDeviceIdOf(site.devices))),
    together.length === 1 ? wanted : 0,
  )
  // selectors that overlap share their entries
  return { received, wanted: Math.min(wanted, received), bytesPerEntry: usualBytes, source: 'rules' }
}

function countIrregular(selectors: readonly Selector[], site: Survey['site']): number {
  if (site === undefined) return 0
  const distinct = new Map(selectors.map(selector => [selectorKey(selector), selector]))
  return [...distinct.values()].reduce(
    (sum, selector) => sum + loggedAmount(selector, site.devices, site.rules, guessedPerDay).irregular,
    0,
  )
}

function notKept(range: TimeRange, oldest: number | undefined, ms: number): GatewayPlan['notKept'] {
  if (oldest === undefined || ms <= 0) return undefined
  return { ms, range: { after: range.after, until: clampToRetention(range, oldest).after } }
}
