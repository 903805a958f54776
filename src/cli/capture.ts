import { findGateway, openThrottledGateway } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Clock } from '../domain/clock.ts'
import { isoText } from '../domain/instant.ts'
import { ledgerFailures } from '../ledger/failures.ts'
import { openLedgerReadOnly } from '../ledger/ledger.ts'
import { recordLog } from '../pipeline/recorder.ts'
import { CaptureFile } from './capture-file.ts'
import type { CommandContext } from './context.ts'
import { chosenSelectors } from './datapoint-argument.ts'
import { countOf, countText } from './format.ts'
import { exitCode } from './outcome.ts'
import { parseTime, usageFailure } from './parse-time.ts'

export interface CaptureOptions {
  readonly from: string
  readonly to?: string
  readonly out: string
}

/** Records the raw frames of data-log requests: what a gateway really sends, to look at or to replay. */
export async function capture(
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
  const { gateway, source, throttle, close } = openThrottledGateway(chosen, { clock, log, sink: undefined })
  try {
    await source.hello(signal)
    throttle.circuit.connected()
    const settled = gateway.clock.now() - config.sync.settle
    const range = { after, until: Math.min(to ?? settled, settled) }
    if (range.after >= range.until)
      throw usageFailure(
        `--from ${isoText(range.after)} is not before ${isoText(range.until)}`,
        `Nothing is asked for that is younger than sync.settle by the gateway's clock.`,
      )
    const file = CaptureFile.create(options.out)
    try {
      const job = { gateway, throttle, selectors, range, requests: config.requests, clock, write: file.write }
      const { requests, failed, frames } = await recordLog(job, signal)
      terminal.say(`${countText(frames)} frames of ${countOf(requests, 'request')} recorded in ${options.out}`)
      if (failed > 0) terminal.say(`${countOf(failed, 'request')} failed: recorded as far as they came`)
      return failed > 0 ? exitCode.missing : exitCode.done
    } finally {
      file.close()
    }
  } finally {
    await close()
  }
}

/** A gateway is asked by one data-log socket at a time (law 7), and whoever has the ledger asks already. */
function refuseBesideOwner(path: string, clock: Clock): void {
  const ledger = openLedgerReadOnly(path, clock)
  try {
    const owner = ledger.owner.text()
    if (owner === undefined) return
    throw ledgerFailures(
      'ledger-owned',
      `a gateway is asked by one at a time, and another process is at work (${owner})`,
      { advice: 'Let it finish or stop it first, then capture.' },
    )
  } finally {
    ledger.close()
  }
}
