import type { Config, GatewayConfig } from '../config/config.ts'
import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import type { LetterCount } from '../dead-letters/letter-index.ts'
import type { Coverage } from '../domain/coverage.ts'
import { isWide, type Selector, selectorContains, selectorKey, selectorLabel } from '../domain/datapoint.ts'
import { addCounts, type Counts } from '../domain/receipt.ts'
import type { Remarked } from '../domain/remark.ts'
import type { Activity } from '../ledger/activity.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { RangeCheck, Rereads } from '../ledger/memory.ts'
import type { ParkedRange } from '../ledger/parked.ts'
import type { Proof } from '../ledger/proof.ts'
import type { Pace } from '../planning/pace.ts'
import { planRun } from '../planning/plan.ts'
import { type Risk, riskOf } from '../planning/risk.ts'
import { type RuleChange, ruleChanges, rulesOf } from '../planning/rule-changes.ts'
import { gatewayPace } from './gateway-pace.ts'

export interface DatapointStatus {
  readonly label: string
  readonly coverage: Coverage
  readonly parked: readonly ParkedRange[]
  /** Of its complete ranges; undefined: of one of them it is not known. */
  readonly proof: ProofTotals
}

interface ProofTotals {
  readonly points: number | undefined
  readonly counts: Counts | undefined
}

export interface GatewayStatus {
  readonly name: string
  readonly datapoints: readonly DatapointStatus[]
  /** Fetched once, and no longer in the configuration. */
  readonly unwanted: readonly DatapointStatus[]
  /** Datapoints whose points were made by other rules than those of today: not fetched before a person has chosen. */
  readonly ruleChanges: readonly RuleChange[]
  /** What a person should know of the values that were written. */
  readonly remarks: readonly Remarked[]
  readonly rereads: Rereads | undefined
  readonly activity: Activity | undefined
  readonly risk: KnownRisk | undefined
  /** The gateway's clock less the host's when something was recorded last, ms; undefined: nothing was yet. */
  readonly clockDifferenceMs: number | undefined
  /** How a schedule asks it once nothing older is missing. */
  readonly pace: Pace
  /** What `sync` found in the database last. */
  readonly verified: RangeCheck | undefined
  /** Of all time. */
  readonly deadLetters: LetterCount
}

/** What a sync lacks and the gateway will delete; undefined where it is not known how long the gateway keeps its log. */
interface KnownRisk extends Risk {
  /** When that was read, ms UTC. */
  readonly asOf: number
}

export interface Status {
  /** The process that owns the ledger; undefined: none. */
  readonly owner: string | undefined
  readonly gateways: readonly GatewayStatus[]
}

const allTime = { after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }

/**
 * What the ledger says of everything that is configured, and of what once was. `sink` undefined: it does not exist yet,
 * and nothing is in it.
 */
export function readStatus(
  config: Config,
  sink: string | undefined,
  { ledger, deadLetters }: { readonly ledger: Ledger; readonly deadLetters: DeadLetterBox },
  now: number,
): Status {
  const rereads = ledger.memory.rereads()
  const activities = new Map(ledger.activity.all().map(activity => [activity.gateway, activity]))
  return {
    owner: ledger.owner.text(),
    gateways: config.gateways.map(gateway => ({
      name: gateway.name,
      remarks: ledger.memory.remarks(gateway.name),
      ruleChanges: changesOf(gateway, sink ?? '', ledger),
      ...datapointsOf(gateway, sink ?? '', ledger),
      rereads: rereads.get(gateway.name),
      activity: activities.get(gateway.name),
      risk: riskOfGateway(config, gateway, sink ?? '', ledger, now),
      clockDifferenceMs: clockDifference(ledger, gateway.name),
      pace: gatewayPace(config, gateway, askedOf(gateway, sink ?? '', ledger), ledger, sink),
      verified: ledger.memory.rangeCheckOf({ sink: sink ?? '', gateway: gateway.name }),
      deadLetters: deadLetters.count([gateway.name], allTime),
    })),
  }
}

/** Those that brought something once, which leaves out misspelt names; all where nothing was fetched yet. */
function askedOf({ name, datapoints }: GatewayConfig, sink: string, ledger: Ledger): readonly Selector[] {
  const selectors = datapoints.map(({ selector }) => selector)
  const asked = [...ledger.coverage.of({ sink, gateway: name }, selectors)].flatMap(
    ([selector, { final, provisional }]) => (final.isEmpty && provisional.isEmpty ? [] : [selector]),
  )
  return asked.length > 0 ? asked : selectors
}

function clockDifference(ledger: Ledger, gateway: string): number | undefined {
  const clock = ledger.memory.clockOf(gateway)
  return clock && clock.gateway - clock.host
}

function changesOf({ name, datapoints }: GatewayConfig, sink: string, ledger: Ledger): RuleChange[] {
  return ruleChanges(rulesOf(datapoints), ledger.rules.of({ sink, gateway: name }))
}

function riskOfGateway(
  { requests, sync }: Config,
  { name, datapoints }: GatewayConfig,
  sink: string,
  ledger: Ledger,
  now: number,
): KnownRisk | undefined {
  const retentions = ledger.memory.retentions(name)
  if (retentions === undefined) return undefined
  const gatewayNow = now + (clockDifference(ledger, name) ?? 0)
  const planned = {
    name,
    now: gatewayNow,
    selectors: datapoints.map(({ selector }) => selector),
    unknown: [],
    // what is barred is pruned all the same
    barred: [],
    requests,
    maturity: sync,
  }
  // what is parked is missing too
  const options = { sink, now, keptMs: undefined, withCooling: true }
  const { backlog } = planRun({ kind: 'sync', sinceMs: sync.since }, planned, ledger, options)
  const retentionOf = ([selector]: readonly Selector[]) => selector && retentions.of(selector)
  return { asOf: retentions.at, ...riskOf(backlog, retentionOf, gatewayNow) }
}

function datapointsOf(gateway: GatewayConfig, sink: string, ledger: Ledger) {
  const place = { sink, gateway: gateway.name }
  const wanted = gateway.datapoints.map(({ selector }) => selector)
  const keys = new Set(wanted.map(selectorKey))
  const wide = wanted.filter(isWide)
  const unwanted = ledger.coverage
    .selectors(place)
    .filter(known => !keys.has(selectorKey(known)) && !wide.some(selector => selectorContains(selector, known)))
  const statusOf = (selectors: readonly Selector[]): DatapointStatus[] => {
    const coverage = ledger.coverage.of(place, selectors)
    return selectors.map(selector => ({
      label: selectorLabel(selector),
      coverage: coverage.get(selector)!,
      parked: ledger.parked.of(place, selector),
      proof: totalsOf(ledger.proofs.of(place, selector)),
    }))
  }
  return { datapoints: statusOf(wanted), unwanted: statusOf(unwanted) }
}

function totalsOf(proofs: readonly Proof[]): ProofTotals {
  const none = { points: 0, counts: { received: 0, written: 0, rejected: 0 } }
  return proofs.reduce<ProofTotals>(
    (sum, { points, counts }) => ({
      points: sum.points === undefined || points === undefined ? undefined : sum.points + points,
      counts: sum.counts && counts && addCounts(sum.counts, counts),
    }),
    none,
  )
}
