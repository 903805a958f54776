import type { Command } from 'commander'
import { findGateway, openThrottledGateway } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Clock } from '../domain/clock.ts'
import { isoText } from '../domain/instant.ts'
import { createDeviceMeanings } from '../inventory/device-meanings.ts'
import { ledgerFailures } from '../ledger/failures.ts'
import { openLedgerReadOnly } from '../ledger/ledger.ts'
import { recordLog } from '../pipeline/recorder.ts'
import { CaptureFile } from './capture-file.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { chosenSelectors } from './datapoint-argument.ts'
import { countOf, countText } from './format.ts'
import { exitCode } from './outcome.ts'
import { parseTime, usageFailure } from './parse-time.ts'

interface CaptureOptions {
  readonly from: string
  readonly to?: string
  readonly out: string
}

export function registerCapture(program: Command, host: CommandHost): void {
  program
    .command('capture')
    .description('record what the gateway sends for data-log requests, frame by frame')
    .argument('<gateway>', 'its name in the configuration')
    .argument('[datapoints...]', 'as in the configuration, "Sensor 1/*/*/*"; default: those configured')
    .requiredOption('--from <time>', 'ISO 8601 (UTC unless it names an offset) or a duration back from now, as 1d')
    .option('--to <time>', 'a time in the same form; default: now')
    .requiredOption('--out <file>', 'new file for the recording, one JSON document a line')
    .action((name: string, datapoints: string[], options: CaptureOptions) =>
      host.runWithConfig((config, context) => capture(config, name, datapoints, options, context)),
    )
}

/** Records the raw frames of data-log requests: what a gateway really sends, to look at or to replay. */
async function capture(
  config: Config,
  name: string,
  datapoints: readonly string[],
  options: CaptureOptions,
  { terminal, clock, log, signal }: CommandContext,
): Promise<number> {
  const chosen = findGateway(config, name)
  const selectors = chosenSelectors(datapoints, chosen)
  const after = parseTime(options.from, '--from', clock.now())
  const to = options.to === undefined ? undefined : parseTime(options.to, '--to', clock.now())
  refuseBesideOwner(config.ledger, clock)
  await using opened = new AsyncDisposableStack()
  const asked = opened.adopt(
    openThrottledGateway(chosen, { clock, log, sink: undefined, meanings: createDeviceMeanings() }),
    it => it.close(),
  )
  const { gateway, source, throttle } = asked
  await source.hello(signal)
  throttle.circuit.connected()
  const settled = gateway.clock.now() - config.sync.settle
  const range = { after, until: Math.min(to ?? settled, settled) }
  if (range.after >= range.until)
    throw usageFailure(
      `--from ${isoText(range.after)} is not before ${isoText(range.until)}`,
      "Nothing is asked for that is younger than sync.settle by the gateway's clock.",
    )
  const file = opened.adopt(CaptureFile.create(options.out), it => it.close())
  const job = { gateway, throttle, selectors, range, requests: config.requests, clock, write: file.write }
  const { requests, failed, frames } = await recordLog(job, signal)
  terminal.say(`${countText(frames)} frames of ${countOf(requests, 'request')} recorded in ${options.out}`)
  if (failed > 0) terminal.say(`${countOf(failed, 'request')} failed: recorded as far as they came`)
  return failed > 0 ? exitCode.missing : exitCode.done
}

/** A gateway is asked by one data-log socket at a time (law 7), and the owner of the ledger asks already. */
function refuseBesideOwner(path: string, clock: Clock): void {
  using opened = new DisposableStack()
  const owner = opened.adopt(openLedgerReadOnly(path, clock), it => it.close()).owner.text()
  if (owner === undefined) return
  throw ledgerFailures(
    'ledger-owned',
    `only one process at a time asks a gateway for its log, and another one is running (${owner})`,
    { advice: 'Let it finish or stop it first, then capture.' },
  )
}
