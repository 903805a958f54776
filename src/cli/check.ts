import type { Command } from 'commander'
import { findGateway, openSink } from '../app.ts'
import type { Config, GatewayConfig } from '../config/config.ts'
import { durationText } from '../domain/duration.ts'
import { Failure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import { problemJson, problemText, withoutUnknown } from '../inventory/datapoint-problems.ts'
import { openLedgerReadOnly } from '../ledger/ledger.ts'
import { type RuleChange, ruleChanges, rulesOf } from '../planning/rule-changes.ts'
import { checkGateway, type GatewayReport } from '../reports/gateway-check.ts'
import { gatewayPace } from '../reports/gateway-pace.ts'
import type { SinkReport } from '../sinks/sink.ts'
import { gatewayFailure } from '../smartserver/failures.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { countOf, countText, offsetText } from './format.ts'
import { openInteractive } from './inspection.ts'
import { exitCode } from './outcome.ts'
import { paceWarning } from './pace-text.ts'
import { ruleChangeJson, ruleChangeRows } from './rule-change-text.ts'

interface CheckOptions {
  readonly gateway?: string
  readonly json?: boolean
}

interface CheckedGateway extends GatewayReport {
  /** Datapoints that are not asked for before a person has chosen. */
  readonly ruleChanges: readonly RuleChange[]
}

interface SinkCheck {
  /** Undefined: it cannot be opened. */
  readonly id: string | undefined
  readonly label: string
  readonly report: SinkReport | undefined
  readonly failure: Failure | undefined
}

export function registerCheck(program: Command, host: CommandHost): void {
  program
    .command('check')
    .description('test gateways, datapoints and the database without transferring anything')
    .option('--gateway <name>', 'only this gateway')
    .option('--json', 'as one JSON document')
    .action((options: CheckOptions) => host.runWithConfig((config, context) => check(config, options, context)))
}

/** Looks at gateways, configured datapoints and the database before a run has to; asks for no log and writes nothing. */
async function check(config: Config, options: CheckOptions, context: CommandContext): Promise<number> {
  const { terminal } = context
  const chosen = options.gateway === undefined ? config.gateways : [findGateway(config, options.gateway)]
  const gateways = new Map<string, CheckedGateway>()
  await using opened = new AsyncDisposableStack()
  const ledger = opened.adopt(openLedgerReadOnly(config.ledger, context.clock), it => it.close())
  const sink = await checkSink(config, context)
  for (const gateway of chosen) {
    terminal.live(`looking at ${gateway.name} …`)
    const found = await checkConfigured(gateway, context)
    const selectors = gateway.datapoints.map(({ selector }) => selector)
    const asked = withoutUnknown(selectors, found.problems ?? [])
    const slow = paceWarning(gatewayPace(config, gateway, asked, ledger, sink.id))
    const changes = ruleChanges(
      rulesOf(gateway.datapoints),
      ledger.rules.of({ sink: sink.id ?? '', gateway: gateway.name }),
    )
    const warnings = [...found.warnings, ...(slow === undefined ? [] : [slow]), ...ruleChangeRows(changes)]
    const report = { ...found, warnings, ruleChanges: changes }
    terminal.live('')
    gateways.set(gateway.name, report)
    if (options.json === true) continue
    terminal.out(`${gateway.name}  ${report.url}`)
    for (const line of gatewayLines(report, gateway.datapoints.length)) terminal.out(`  ${line}`)
    terminal.out('')
  }
  if (options.json === true) terminal.out(reportJson(gateways, sink, config.warnings))
  else terminal.out(...sinkLines(sink), ...configLines(config.warnings))
  const reports = [...gateways.values()]
  if (sink.failure !== undefined || reports.some(({ failure }) => failure !== undefined)) return exitCode.failed
  const isRight = ({ problems, ruleChanges }: CheckedGateway) => problems?.length === 0 && ruleChanges.length === 0
  return reports.every(isRight) ? exitCode.done : exitCode.missing
}

async function checkConfigured(config: GatewayConfig, context: CommandContext): Promise<GatewayReport> {
  const { clock, signal } = context
  await using opened = new AsyncDisposableStack()
  const gateway = opened.adopt(openInteractive(config, context), it => it.close())
  return await checkGateway(gateway, config, clock, signal)
}

async function checkSink(config: Config, { clock, log, signal }: CommandContext): Promise<SinkCheck> {
  let id: string | undefined
  let label =
    config.sink.kind === 'influxdb' ? `InfluxDB ${config.sink.url}` : `${config.sink.kind} ${config.sink.path}`
  try {
    await using opened = new AsyncDisposableStack()
    const sink = opened.adopt(await openSink(config, { clock, log }), it => it.close())
    ;({ id, label } = sink)
    return { id, label, report: await sink.check(signal), failure: undefined }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { id, label, report: undefined, failure: error }
  }
}

function gatewayLines(report: GatewayReport, configured: number): string[] {
  const { failure, certificate, release, clockOffsetMs, logSize, cpu, generalSocket, problems, notChecked, warnings } =
    report
  const row = (key: string, value: string) => `${key.padEnd(15)} ${value}`
  const lines = [
    failure === undefined
      ? row('reached', `yes, release ${release ?? 'unknown'}`)
      : gatewayFailure.is(failure, 'untrusted-certificate')
        ? row('trusted', `no: ${failure.message}`)
        : row('reached', `no: ${failure.message}`),
  ]
  if (failure?.advice !== undefined) lines.push(row('', failure.advice))
  if (certificate !== undefined) {
    lines.push(row('certificate', `${certificate.subject || 'without a subject'}, ${expiryText(certificate)}`))
    lines.push(row('', `tls: { fingerprint256: "${certificate.fingerprint256}" }`))
  }
  if (failure !== undefined) return lines
  lines.push(row('clock', clockOffsetMs === undefined ? 'not reported' : offsetText(clockOffsetMs)))
  lines.push(row('log', logSize === undefined ? 'size not reported' : `${countText(logSize)} MB`))
  lines.push(row('CPU', cpu === undefined ? 'not reported' : `${countText(cpu)} %`))
  lines.push(row('general socket', generalSocket))
  lines.push(row('datapoints', `${countText(configured)} configured, ${problemsText(problems, notChecked)}`))
  for (const problem of problems ?? []) {
    lines.push(`  ! ${problem.datapoint}`)
    lines.push(`    ${problemText(problem)}`)
  }
  return [...lines, ...warnings.map(warning => row('warning', warning))]
}

function problemsText(problems: GatewayReport['problems'], notChecked: string | undefined): string {
  if (problems === undefined) return `not checked: ${notChecked}`
  return problems.length === 0 ? 'none of them wrong' : `${countOf(problems.length, 'problem')}:`
}

function expiryText({ validTo }: { validTo: number }): string {
  return Number.isNaN(validTo) ? 'expiry unknown' : `until ${isoText(validTo).slice(0, 10)}`
}

function sinkLines({ label, report, failure }: SinkCheck): string[] {
  if (report === undefined)
    return [
      label,
      `  cannot be used  ${failure?.message}`,
      ...(failure?.advice === undefined ? [] : [`  ${failure.advice}`]),
    ]
  const { kind, version, retentionMs, warnings } = report
  return [
    label,
    `  ${'kind'.padEnd(15)} ${kind}${version === undefined ? '' : ` ${version}`}`,
    `  ${'keeps'.padEnd(15)} ${retentionMs === undefined ? 'unlimited, as reported' : durationText(retentionMs)}`,
    ...warnings.map(warning => `  ${'warning'.padEnd(15)} ${warning}`),
  ]
}

function configLines(warnings: readonly string[]): string[] {
  return warnings.length === 0 ? [] : ['', 'configuration', ...warnings.map(it => `  ${'warning'.padEnd(15)} ${it}`)]
}

function reportJson(
  gateways: ReadonlyMap<string, CheckedGateway>,
  { label, report, failure }: SinkCheck,
  warnings: readonly string[],
): string {
  const entries = [...gateways].map(([name, { certificate, failure: trouble, problems, ruleChanges, ...rest }]) => [
    name,
    {
      reached: trouble === undefined,
      failure: failureJson(trouble),
      certificate:
        certificate === undefined
          ? undefined
          : { ...certificate, validFrom: dateJson(certificate.validFrom), validTo: dateJson(certificate.validTo) },
      ...rest,
      problems: problems?.map(problemJson),
      ...(ruleChanges.length > 0 && { ruleChanges: ruleChanges.map(ruleChangeJson) }),
    },
  ])
  return JSON.stringify({
    gateways: Object.fromEntries(entries),
    sink: { label, failure: failureJson(failure), ...report },
    warnings,
  })
}

function failureJson(failure: Failure | undefined) {
  if (failure === undefined) return undefined
  const { code, message, advice } = failure
  return { code, message, advice }
}

function dateJson(ms: number): string | undefined {
  return Number.isNaN(ms) ? undefined : isoText(ms)
}
