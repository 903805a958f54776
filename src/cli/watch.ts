import type { Command } from 'commander'
import { findGateway } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Clock } from '../domain/clock.ts'
import { type Selector, selectorMatches } from '../domain/datapoint.ts'
import { isoText } from '../domain/instant.ts'
import { concerns } from '../inventory/datapoint-problems.ts'
import { type Device, readDevices, readInterface } from '../smartserver/discovery.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import { putJson } from '../smartserver/rest-json.ts'
import type { DatapointUpdate, Update } from '../smartserver/updates.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { chosenSelectors } from './datapoint-argument.ts'
import { countOf, tookText } from './format.ts'
import { openInteractive } from './inspection.ts'
import { exitCode } from './outcome.ts'
import { usageFailure } from './parse-time.ts'
import type { Terminal } from './terminal.ts'

interface WatchOptions {
  readonly json?: boolean
  readonly actions?: boolean
}

export function registerWatch(program: Command, host: CommandHost): void {
  program
    .command('watch')
    .description('show values as they come')
    .argument('<gateway>', 'its name in the configuration')
    .argument('[datapoints...]', 'as in the configuration, "Sensor 1/*/*/*"; default: those configured')
    .option('--json', 'one JSON document for each update')
    .option('--actions', "everything that the gateway's general socket brings, without subscribing")
    .action((name: string, datapoints: string[], options: WatchOptions) =>
      host.runWithConfig((config, context) => watch(config, name, datapoints, options, context)),
    )
}

/** Shows values as they come, or with `actions` everything that the general socket brings, until it is stopped. */
async function watch(
  config: Config,
  name: string,
  datapoints: readonly string[],
  options: WatchOptions,
  context: CommandContext,
): Promise<number> {
  const { terminal, clock, signal } = context
  const chosen = findGateway(config, name)
  if (options.actions === true && datapoints.length > 0)
    throw usageFailure('--actions shows every update', 'Name datapoints or give --actions, not both.')
  const selectors = chosenSelectors(datapoints, chosen)
  await using opened = new AsyncDisposableStack()
  const gateway = opened.adopt(openInteractive(chosen, context), it => it.close())
  await gateway.hello(signal)
  const labels = options.actions === true ? undefined : await findQualifiers(gateway, selectors, terminal, signal)
  const tell =
    labels === undefined ? tellActions(terminal, clock, options) : tellValues(labels, terminal, clock, options)
  await gateway.keepGeneralSocket(
    {
      onUpdate: (update, frame) => tell(update, frame),
      onOpen: async opened => {
        if (labels !== undefined) await putJson(gateway, '/iap/dp/updates/subscribe', [...labels.keys()], opened)
      },
      onTrouble: ({ message }, waitMs) => terminal.say(`${message}; trying again in ${tookText(waitMs)}`),
    },
    AbortSignal.any([signal, context.outputGone]),
  )
  return exitCode.done
}

/** Subscriptions name datapoints by qualifier: the device's own list has them. */
async function findQualifiers(
  gateway: Gateway,
  selectors: readonly Selector[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const labels = new Map<string, string>()
  let nameless = 0
  for (const device of await readDevices(gateway, signal)) {
    if (!selectors.some(selector => concerns(selector, device))) continue
    for (const { block, index, name, xif, qualifier } of await readInterface(gateway, device, signal)) {
      if (!selectors.some(it => selectorMatches(it, fullName(device, { block, index, name, xif })))) continue
      if (qualifier === undefined) nameless++
      else labels.set(qualifier, `${device.name}/${block}/${index}/${name}`)
    }
  }
  if (nameless > 0)
    terminal.say(`${countOf(nameless, 'datapoint')} left out: this release does not report how to subscribe`)
  if (labels.size === 0)
    throw usageFailure('the gateway has none of these datapoints', 'The command discover lists what it has.')
  terminal.say(
    `Watching ${countOf(labels.size, 'datapoint')}. A gateway keeps one subscription for each login and the last ` +
      'one wins: use a separate login, or web pages of the same login lose theirs.',
  )
  return labels
}

function fullName(device: Device, datapoint: { block: string; index: number; name: string; xif: string }) {
  return { device: device.name, deviceId: device.id, ...datapoint }
}

type Tell = (update: Update | { reason: string }, frame: string) => void

function tellValues(
  labels: ReadonlyMap<string, string>,
  terminal: Terminal,
  clock: Clock,
  options: WatchOptions,
): Tell {
  const widest = Math.max(...[...labels.values()].map(label => label.length))
  return update => {
    if (!('kind' in update) || update.kind !== 'datapoints') return
    for (const changed of update.updates) {
      const label = labels.get(changed.qualifier)
      // another subscriber of the same login has put its own list in the place of ours
      if (label === undefined) continue
      const at = isoText(clock.now())
      terminal.out(
        options.json === true
          ? JSON.stringify({ at, datapoint: label, ...changed })
          : `${at.slice(11, 23)}  ${label.padEnd(widest)}  ${valueText(changed)}`,
      )
    }
  }
}

/** The raw value, and beside it how the gateway shows it where that differs. */
function valueText({ value, localized }: DatapointUpdate): string {
  const raw = JSON.stringify(value) ?? 'no value'
  const shown = JSON.stringify(localized)
  return localized === undefined || localized === null || shown === raw ? raw : `${raw}  shown as ${shown}`
}

function tellActions(terminal: Terminal, clock: Clock, options: WatchOptions): Tell {
  return (update, frame) => {
    const at = isoText(clock.now())
    if (options.json === true) {
      terminal.out(JSON.stringify({ at, ...('raw' in update ? { action: update.raw, ...update } : update), frame }))
    } else if ('raw' in update) {
      const payload = JSON.stringify(payloadOf(frame)) ?? ''
      terminal.out(`${at.slice(11, 23)}  ${update.raw.padEnd(19)}  ${payload}`)
    } else {
      terminal.out(`${at.slice(11, 23)}  ${'not understood'.padEnd(19)}  ${update.reason}: ${JSON.stringify(frame)}`)
    }
  }
}

/** Only of frames that were read as updates before. */
function payloadOf(frame: string): unknown {
  return (JSON.parse(frame) as { payload?: unknown }).payload
}
