import type { Command } from 'commander'
import { findGateway, openSink } from '../app.ts'
import type { Config, GatewayConfig } from '../config/config.ts'
import { type Selector, selectorContains, selectorLabel } from '../domain/datapoint.ts'
import { type Series, seriesKey, seriesLabel } from '../domain/point.ts'
import { type Ledger, openLedger } from '../ledger/ledger.ts'
import { oldSeries } from '../planning/old-series.ts'
import { rulesOf } from '../planning/rule-changes.ts'
import { sinkFailure } from '../sinks/failures.ts'
import type { Sink } from '../sinks/sink.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { chosenSelectors, selectorOf } from './datapoint-argument.ts'
import { countOf, countText } from './format.ts'
import { exitCode } from './outcome.ts'
import { usageFailure } from './parse-time.ts'

interface ForgetOptions {
  readonly gateway?: string
  readonly datapoint?: readonly string[]
  /** Also the series that the configuration of today writes to. */
  readonly all?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

export function registerForget(program: Command, host: CommandHost): void {
  program
    .command('forget')
    .description('remove from the database the points of series that the configuration does not write to any more')
    .option('--gateway <name>', 'only this gateway')
    .option('--datapoint <datapoint...>', 'only of these, by their names in the database: "Meter 3/*/*/*"')
    .option('--all', 'also the series in use; their proof is taken back, and they are fetched again. Needs --datapoint')
    .option('--yes', 'without it nothing is changed')
    .option('--json', 'as one JSON document')
    .action((options: ForgetOptions) => host.runWithConfig((config, context) => forget(config, options, context)))
}

interface Counted {
  readonly gateway: string
  readonly series: Series
  readonly points: number
}

/** No entry is older, and none that is written now is further in the future than a clock may be wrong. */
const allTime = (now: number) => ({ after: 0, until: now + 400 * 86_400_000 })

/**
 * Removes from the database the points of series that the configuration of today does not write to any more, and takes back the proof
 * of them. Without `yes` it shows what it would remove.
 */
async function forget(config: Config, options: ForgetOptions, context: CommandContext): Promise<number> {
  const { clock, log, signal, terminal } = context
  const { gateway, datapoint = [], all = false, yes = false, json = false } = options
  if (all && datapoint.length === 0)
    throw usageFailure('--all needs --datapoint', 'Name the datapoints of which all points are to be removed.')
  const gateways = gateway === undefined ? config.gateways : [findGateway(config, gateway)]
  await using opened = new AsyncDisposableStack()
  const ledger = opened.adopt(openLedger(config.ledger, clock), it => it.close())
  await ledger.owner.watch()
  ledger.owner.take('forget')
  const sink = opened.adopt(await openSink(config, { clock, log }), it => it.close())
  await sink.check(signal, yes ? 'write' : 'read')
  const chosen = gateways.flatMap(it =>
    chosenSeries(it, { all, datapoint }, ledger, sink).map(series => ({ gateway: it.name, series })),
  )
  const counts = await sink.counts(
    chosen.map(({ series }) => series),
    allTime(clock.now()),
    signal,
  )
  const found = chosen.map((it): Counted => ({ ...it, points: counts.get(it.series) ?? 0 }))
  const takenBack = yes && found.length > 0 ? await remove(found, ledger, sink, signal) : []
  if (json) terminal.out(forgetJson(found, takenBack, yes))
  else for (const line of linesOf(found, takenBack, yes)) terminal.out(line)
  return yes || found.length === 0 ? exitCode.done : exitCode.missing
}

function chosenSeries(
  { name, datapoints }: GatewayConfig,
  { all, datapoint }: { readonly all: boolean; readonly datapoint: readonly string[] },
  ledger: Ledger,
  sink: Sink,
): Series[] {
  const place = { sink: sink.id, gateway: name }
  const held = [...ledger.rules.of(place), ...ledger.rules.retired(place)]
  const candidates = all ? held.flatMap(it => it.series) : oldSeries(name, rulesOf(datapoints), held)
  const distinct = [...new Map(candidates.map(it => [seriesKey(it), it])).values()]
  const meant = chosenSelectors(datapoint, { datapoints })
  return datapoint.length === 0 ? distinct : distinct.filter(it => meant.some(one => isOf(one, it)))
}

function isOf(meant: Selector, series: Series): boolean {
  return selectorContains(meant, selectorOf(series))
}

/** First the proof, then the points: a stop in between leaves nothing that is called complete and is not there. */
async function remove(found: readonly Counted[], ledger: Ledger, sink: Sink, signal: AbortSignal): Promise<Selector[]> {
  if (sink.forget === undefined)
    throw sinkFailure('sink-keeps-series', `${sink.label} cannot remove the points of a series`)
  const series = found.map(it => it.series)
  const takenBack = ledger.rules.takeBack(sink.id, series)
  await sink.forget(series, signal)
  ledger.rules.forget(sink.id, series)
  return takenBack
}

function linesOf(found: readonly Counted[], takenBack: readonly Selector[], isDone: boolean): string[] {
  if (found.length === 0) return ['The database holds no series of earlier rules: nothing was changed.']
  const points = found.reduce((sum, it) => sum + it.points, 0)
  const rows = found.map(it => `${countText(it.points).padStart(11)}  ${it.gateway}  ${seriesText(it.series)}`)
  const what = `${countOf(points, 'point')} of ${countOf(found.length, 'series', 'series')}`
  if (!isDone)
    return [
      `${what} would be removed from the database, for good:`,
      ...rows,
      'Nothing was changed: give --yes to remove them. Proof that rests on them is taken back; what the gateway still has is fetched again.',
    ]
  const labels = takenBack.map(selectorLabel)
  return [
    `${what} removed from the database:`,
    ...rows,
    labels.length === 0
      ? 'No proof in use rested on them.'
      : `The proof of ${labels.join(', ')} is taken back: the next run fetches it again.`,
  ]
}

/** `datalog Meter 3/EnergyMeter/0/nvoPower building=North`. */
function seriesText(series: Series): string {
  const own = new Set(['gateway', 'device', 'block', 'index', 'datapoint'])
  const tags = [...series.tags].filter(([key]) => !own.has(key)).map(([key, value]) => ` ${key}=${value}`)
  return `${series.measurement} ${seriesLabel(series)}${tags.join('')}`
}

function forgetJson(found: readonly Counted[], takenBack: readonly Selector[], isDone: boolean): string {
  const points = found.reduce((sum, it) => sum + it.points, 0)
  return JSON.stringify({
    forgotten: isDone ? points : 0,
    chosen: points,
    series: found.map(it => ({
      gateway: it.gateway,
      measurement: it.series.measurement,
      tags: Object.fromEntries(it.series.tags),
      points: it.points,
    })),
    takenBack: takenBack.map(selectorLabel),
  })
}
