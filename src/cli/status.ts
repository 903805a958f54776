import { openSink } from '../app.ts'
import type { Config, GatewayConfig } from '../config/schema.ts'
import type { Coverage } from '../domain/coverage.ts'
import { type Selector, selectorLabel } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import type { TimeRange } from '../domain/range.ts'
import { Ledger, type ParkedRange } from '../ledger/ledger.ts'
import { coverageBar, coveredShare } from './bar.ts'
import type { CommandContext } from './context.ts'
import { countOf, minuteText, shareText } from './figures.ts'
import { exitCode } from './outcome.ts'

interface DatapointStatus {
  readonly label: string
  readonly coverage: Coverage
  readonly parked: readonly ParkedRange[]
}

/** What is there and what is missing, from the ledger alone: asks neither gateway nor database. */
export async function status(config: Config, options: { json?: boolean }, context: CommandContext): Promise<number> {
  const { clock, log, terminal } = context
  const ledger = Ledger.openForReading(config.ledger, clock)
  const sink = await openSink(config.sink, { clock, log })
  try {
    const gateways = config.gateways.map(gateway => ({
      name: gateway.name,
      datapoints: statusOf(gateway, sink.id, ledger),
    }))
    if (options.json === true) terminal.out(statusJson(gateways))
    else {
      const now = clock.now()
      terminal.out(`Into ${sink.label}; █ complete  ▓ to be looked at once more  ▒ in part  · missing`)
      for (const gateway of gateways) {
        const within = { after: earliest(gateway.datapoints, now - config.sync.since), until: now - config.sync.settle }
        terminal.out('')
        terminal.out(`${gateway.name}  ${minuteText(within.after)} … ${minuteText(within.until)} UTC`)
        for (const line of tableOf(gateway.datapoints, within, terminal.columns)) terminal.out(`  ${line}`)
      }
    }
    return exitCode.done
  } finally {
    await sink.close()
    ledger.close()
  }
}

function statusOf(gateway: GatewayConfig, sink: string, ledger: Ledger): DatapointStatus[] {
  const place = { sink, gateway: gateway.name }
  const selectors = gateway.datapoints.map(({ selector }) => selector)
  const coverage = ledger.coverage(place, selectors)
  return selectors.map((selector: Selector) => ({
    label: selectorLabel(selector),
    coverage: coverage.get(selector)!,
    parked: ledger.parked(place, selector),
  }))
}

function statusJson(gateways: readonly { name: string; datapoints: readonly DatapointStatus[] }[]): string {
  const rangeJson = ({ after, until }: TimeRange) => ({ after: isoText(after), until: isoText(until) })
  const entries = gateways.map(({ name, datapoints }) => {
    const listed = datapoints.map(({ label, coverage, parked }) => ({
      datapoint: label,
      final: coverage.final.ranges.map(rangeJson),
      provisional: coverage.provisional.ranges.map(rangeJson),
      parked: parked.map(({ range, code, reason }) => ({ ...rangeJson(range), code, reason })),
    }))
    return [name, { datapoints: listed }]
  })
  return JSON.stringify({ gateways: Object.fromEntries(entries) })
}

function tableOf(datapoints: readonly DatapointStatus[], within: TimeRange, columns: number): string[] {
  const widest = Math.max(...datapoints.map(({ label }) => label.length))
  const width = Math.max(12, Math.min(48, columns - widest - 34))
  return datapoints.map(({ label, coverage, parked }) => {
    const share = shareText(coveredShare(coverage, within)).padStart(5)
    const newest = coverage.final.add(coverage.provisional).ranges.at(-1)
    const until = newest === undefined ? 'nothing yet' : `until ${minuteText(newest.until)}`
    const sick = parked.length === 0 ? '' : `  ${countOf(parked.length, 'range')} parked (${parked[0]!.code})`
    return `${label.padEnd(widest)}  ${coverageBar(coverage, within, width)} ${share}  ${until}${sick}`
  })
}

function earliest(datapoints: readonly DatapointStatus[], otherwise: number): number {
  const firsts = datapoints.flatMap(({ coverage }) => coverage.final.add(coverage.provisional).ranges.slice(0, 1))
  return Math.min(otherwise, ...firsts.map(({ after }) => after))
}
