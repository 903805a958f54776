import type { Command } from 'commander'
import { findGateway, openSink } from '../app.ts'
import type { Config, GatewayConfig } from '../config/config.ts'
import { type Selector, selectorContains, selectorKey, selectorLabel, selectorPrecision } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import { leavesPointsBehind } from '../domain/rule-form.ts'
import { type Ledger, openLedger, openLedgerReadOnly } from '../ledger/ledger.ts'
import { transferFailure } from '../pipeline/failures.ts'
import { ruleChangeText } from '../pipeline/rule-premise.ts'
import { type RuleChange, ruleChanges, rulesOf, rulesToRecord } from '../planning/rule-changes.ts'
import { type Renewed, type RuleChoice, renewalsOf } from '../planning/rule-choice.ts'
import type { Sink, SinkReport } from '../sinks/sink.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { chosenSelectors, selectorOf } from './datapoint-argument.ts'
import { minuteText } from './format.ts'
import { findExistingSink } from './inspection.ts'
import { exitCode } from './outcome.ts'
import { usageFailure } from './parse-time.ts'
import { ruleChangeJson } from './rule-change-text.ts'

interface RuleOptions {
  readonly gateway?: string
  readonly datapoint?: readonly string[]
  readonly json?: boolean
}

const choices: Readonly<Record<RuleChoice, string>> = {
  remap: 'fetch the past again by the rule of today',
  'from-now': 'leave the past as it is; the rule of today is for what comes',
  same: 'take both rules for the same, as after a typing error: nothing is fetched again',
}

export function registerRule(program: Command, host: CommandHost): void {
  const command = withOptions(program.command('rule'))
    .description('what the points of a datapoint are made by: shows what has changed in the configuration since')
    .action((options: RuleOptions) => host.runWithConfig((config, context) => showRules(config, options, context)))
  for (const [choice, description] of Object.entries(choices) as [RuleChoice, string][])
    withOptions(command.command(choice))
      .description(description)
      .action((_: unknown, chosen: Command) =>
        host.runWithConfig((config, context) =>
          chooseRule(config, choice, chosen.optsWithGlobals<RuleOptions>(), context),
        ),
      )
}

function withOptions(command: Command): Command {
  return command
    .option('--gateway <name>', 'only this gateway')
    .option('--datapoint <datapoint...>', 'only these, as in the configuration: "Meter 3/*/*/*"')
    .option('--json', 'as one JSON document')
}

/** What has changed on one gateway. */
interface Changed {
  readonly gateway: GatewayConfig
  readonly changes: readonly RuleChange[]
}

/** Shows the datapoints whose points were made by other rules than those of today. */
async function showRules(config: Config, options: RuleOptions, context: CommandContext): Promise<number> {
  const { clock, log, terminal } = context
  using opened = new DisposableStack()
  const ledger = opened.adopt(openLedgerReadOnly(config.ledger, clock), it => it.close())
  const { id = '', sink } = await findExistingSink(config, { clock, log })
  await sink?.close()
  const found = changedOf(config, options, ledger, id)
  if (options.json === true) terminal.out(JSON.stringify({ changes: changesJson(found) }))
  else for (const line of shownLines(found)) terminal.out(line)
  return found.length === 0 ? exitCode.done : exitCode.missing
}

/** Carries out what a person has chosen, in one transaction a gateway. */
async function chooseRule(
  config: Config,
  choice: RuleChoice,
  options: RuleOptions,
  context: CommandContext,
): Promise<number> {
  const { clock, log, signal, terminal } = context
  await using opened = new AsyncDisposableStack()
  const ledger = opened.adopt(openLedger(config.ledger, clock), it => it.close())
  await ledger.owner.watch()
  ledger.owner.take(`rule ${choice}`)
  const sink = opened.adopt(await openSink(config, { clock, log }), it => it.close())
  const found = changedOf(config, options, ledger, sink.id)
  const report = choice === 'same' || found.length === 0 ? undefined : await sink.check(signal, 'read')
  if (choice === 'remap' && report !== undefined) for (const it of found) requireReplaceable(it, sink, report)
  const done = found.map(it => ({ ...it, renewals: choose(it, choice, { ledger, sink, report, now: clock.now() }) }))
  if (options.json === true)
    terminal.out(JSON.stringify({ choice, changes: changesJson(found), renewed: done.flatMap(renewedJson) }))
  else if (done.length === 0) terminal.out('No rule has changed since points were made by it: nothing was changed.')
  else for (const line of done.flatMap(it => doneLines(it, choice))) terminal.out(line)
  return exitCode.done
}

function changedOf(config: Config, { gateway, datapoint = [] }: RuleOptions, ledger: Ledger, sink: string): Changed[] {
  const gateways = gateway === undefined ? config.gateways : [findGateway(config, gateway)]
  const found = gateways.map((it): Changed => {
    const all = ruleChanges(rulesOf(it.datapoints), ledger.rules.of({ sink, gateway: it.name }))
    const chosen = chosenSelectors(datapoint, it)
    return { gateway: it, changes: datapoint.length === 0 ? all : all.filter(change => isMeant(change, chosen)) }
  })
  const changed = found.filter(({ changes }) => changes.length > 0)
  if (datapoint.length > 0 && changed.length === 0)
    throw usageFailure(
      `no rule has changed for ${datapoint.join(', ')}`,
      '"smartserver-etl rule" lists the datapoints whose rules have changed.',
    )
  return changed
}

function isMeant({ recorded, selectors, series }: RuleChange, chosen: readonly Selector[]): boolean {
  const names = [recorded, ...selectors, ...series.map(selectorOf)]
  return chosen.some(one =>
    names.some(name => selectorLabel(name) === selectorLabel(one) || selectorContains(one, name)),
  )
}

/** On some databases a value that is written again may stay beside the first one: two rules would share a series. */
function requireReplaceable({ gateway, changes }: Changed, sink: Sink, { kind, overwrites }: SinkReport): void {
  const { label } = sink
  if (sink.begin !== undefined)
    throw transferFailure('rule-changed', `${gateway.name}: ${label} keeps what was packed by the earlier rule`, {
      advice: 'Pack into a new folder with a new ledger, or choose "rule from-now".',
    })
  const stuck = changes.find(({ from, to }) => overwrites === false && !leavesPointsBehind(from, to))
  if (stuck === undefined) return
  throw transferFailure(
    'rule-changed',
    `${gateway.name}: ${ruleChangeText(stuck)}, and ${label} cannot replace a value`,
    {
      advice: `${kind} may keep the first value beside the second. Give the datapoint another measurement in the configuration and choose "rule remap" then, or choose "rule from-now".`,
    },
  )
}

interface Known {
  readonly ledger: Ledger
  readonly sink: Sink
  readonly report: SinkReport | undefined
  readonly now: number
}

function choose({ gateway, changes }: Changed, choice: RuleChoice, { ledger, sink, report, now }: Known): Renewed[] {
  const place = { sink: sink.id, gateway: gateway.name }
  const rules = rulesOf(gateway.datapoints)
  if (choice === 'same') {
    const recorded = new Set(changes.map(({ recorded }) => selectorKey(recorded)))
    const accepted = ledger.rules.of(place).filter(({ selector }) => recorded.has(selectorKey(selector)))
    ledger.rules.accept(
      place,
      accepted.map(it => ({ selector: it.selector, rules: rulesToRecord(it, rules) })),
    )
    return []
  }
  const clocks = ledger.memory.clockOf(gateway.name)
  const gatewayNow = now + (clocks === undefined ? 0 : clocks.gateway - clocks.host)
  const kept = ledger.memory.retentions(gateway.name)
  const renewals = renewalsOf(changes, {
    choice,
    rules,
    coverageOf: selector => ledger.coverage.of(place, [selector]).get(selector)!,
    reachOf(selector) {
      const ms = kept?.of(selector)
      return ms === undefined ? undefined : gatewayNow - ms
    },
    overwrites: report?.overwrites !== false,
  })
  ledger.rules.renew(place, renewals)
  return renewals
}

function shownLines(found: readonly Changed[]): string[] {
  if (found.length === 0) return ['No rule has changed since points were made by it.']
  return [
    ...found.flatMap(({ gateway, changes }) => changes.map(change => `${gateway.name}  ${ruleChangeText(change)}`)),
    '',
    ...choiceLines,
  ]
}

const choiceLines = [
  'Nothing more of these is fetched before you choose (--gateway and --datapoint choose for some of them):',
  '  smartserver-etl rule remap     the past is fetched again by the rule of today',
  '  smartserver-etl rule from-now  the past stays as it is; the rule of today is for what comes',
  '  smartserver-etl rule same      both make the same points for you, as after a typing error: nothing is fetched again',
]

function doneLines(
  { gateway, changes, renewals }: Changed & { readonly renewals: readonly Renewed[] },
  choice: RuleChoice,
): string[] {
  const lines = changes.map(change => `${gateway.name}  ${ruleChangeText(change)}`)
  if (choice === 'same') return [...lines, 'Taken for the same: what is complete stays so.']
  for (const { selector, since } of renewals) {
    // the ledger has one proof for all of them
    const label = `${selectorLabel(selector)}${selectorPrecision(selector) < 4 ? ' (all of its datapoints)' : ''}`
    if (since !== undefined)
      lines.push(
        `  ${label}: what is before ${minuteText(since)} UTC stays by the earlier rule: it is not fetched again${choice === 'remap' ? ', because the gateway keeps it no longer' : ''}, and "verify" leaves it out.`,
      )
    else lines.push(`  ${label}: its proof is taken back; the next run fetches it again.`)
  }
  if (changes.some(({ from, to }) => leavesPointsBehind(from, to)))
    lines.push(
      'The points by the earlier rule are in another series or field and remain in the database: "smartserver-etl forget" removes them.',
    )
  return lines
}

function changesJson(found: readonly Changed[]) {
  return found.flatMap(({ gateway, changes }) => changes.map(it => ({ gateway: gateway.name, ...ruleChangeJson(it) })))
}

function renewedJson({ gateway, renewals }: Changed & { readonly renewals: readonly Renewed[] }) {
  return renewals.map(({ selector, since }) => ({
    gateway: gateway.name,
    datapoint: selectorLabel(selector),
    since: since === undefined ? undefined : isoText(since),
  }))
}
