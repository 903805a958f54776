import type { Logger } from 'pino'
import type { Config, GatewayConfig } from './config/config.ts'
import { configFailure } from './config/failures.ts'
import { DeadLetterBox } from './dead-letters/dead-letters.ts'
import { createLetterReader } from './dead-letters/letter-content.ts'
import type { Clock } from './domain/clock.ts'
import type { Selector } from './domain/datapoint.ts'
import type { EntryReader } from './entries/entry-reader.ts'
import { createDeviceMeanings, type DeviceMeanings } from './inventory/device-meanings.ts'
import { type Ledger, openLedger } from './ledger/ledger.ts'
import { type ClockWatch, createClockWatch } from './pipeline/clock-watch.ts'
import { createDatabaseWatch, type DatabaseWatch } from './pipeline/database-watch.ts'
import { createCpuGate, createQuietGate } from './pipeline/gateway-gates.ts'
import type { GatewayJob, RunEvent, RunSource } from './pipeline/job.ts'
import { type RunOutcome, run } from './pipeline/run.ts'
import { observeRun } from './pipeline/run-observers.ts'
import { createRunSource } from './pipeline/run-source.ts'
import { createThrottle, type Throttle } from './pipeline/throttle.ts'
import { createTurns, type Turns } from './pipeline/turns.ts'
import type { Demand } from './planning/demand.ts'
import { rulesOf } from './planning/rule-changes.ts'
import { compileMapping, type Mapping } from './points/mapping.ts'
import { reservedTags } from './points/series.ts'
import type { Metrics } from './service/metrics.ts'
import { serveMetrics } from './service/metrics-server.ts'
import { openBundleSink } from './sinks/bundle/bundle-sink.ts'
import { openInfluxSink } from './sinks/influxdb/influx-sink.ts'
import type { Sink } from './sinks/sink.ts'
import { openSqliteSink } from './sinks/sqlite/sqlite-sink.ts'
import type { BatchLimits } from './smartserver/data-log.ts'
import { Gateway, type GatewayOptions } from './smartserver/gateway.ts'
import { GatewayMonitor } from './smartserver/gateway-monitor.ts'

export interface AppParts {
  readonly clock: Clock
  readonly log: Logger
}

/** The parts that work together, for as long as a command runs. */
export interface App extends AppParts {
  readonly ledger: Ledger
  readonly sink: Sink
  readonly database: DatabaseWatch
  readonly deadLetters: DeadLetterBox
  readonly gateways: readonly AppGateway[]
  close(): Promise<void>
}

interface AppGateway extends ThrottledGateway {
  readonly config: GatewayConfig
  readonly mapping: Mapping
  /** Reads dead letters by the configuration of today. */
  readonly readLetter: EntryReader
  readonly clockWatch: ClockWatch
  readonly turns: Turns
}

/**
 * Builds all parts and wires them; closes them in reverse order. Takes the ledger for this process: another process is
 * shown `doing`. Throws a Failure, and leaves nothing open.
 */
export async function openApp(config: Config, doing: string, { clock, log }: AppParts): Promise<App> {
  for (const warning of config.warnings) log.warn(warning)
  await using opened = new AsyncDisposableStack()
  const ledger = opened.adopt(openLedger(config.ledger, clock), it => it.close())
  await ledger.owner.watch()
  ledger.owner.take(doing)
  const deadLetters = opened.adopt(openDeadLetters(config, clock), it => it.close())
  deadLetters.sweep()
  const sink = opened.adopt(await openSink(config, { clock, log }), it => it.close())
  const database = createDatabaseWatch({ sink, ledger, clock })
  const batch = batchFor(config.gateways.length)
  const gateways = config.gateways.map((gateway): AppGateway => {
    const pins = ledger.pins.of({ sink: sink.id, gateway: gateway.name })
    const meanings = createDeviceMeanings({
      of: id => ledger.memory.deviceOf(gateway.name, id),
      note: (id, meaning) => ledger.memory.noteDevice(gateway.name, id, meaning),
    })
    const throttled = opened.adopt(openThrottledGateway(gateway, { clock, log, batch, sink, meanings }), it =>
      it.close(),
    )
    const warn = (message: string) => log.error({ gateway: gateway.name }, message)
    const mapping = compileMapping(gateway.name, gateway.datapoints, pins, warn)
    const { deviceIdOf, clock: itsClock } = throttled.source
    const readLetter = createLetterReader(gateway.name, selectorsOf(gateway), { mapping, deviceIdOf, clock: itsClock })
    const clockWatch = createClockWatch(throttled.source, { clock, ledger })
    return { ...throttled, config: gateway, mapping, readLetter, clockWatch, turns: createTurns() }
  })
  const kept = opened.move()
  return { clock, log, ledger, sink, database, deadLetters, gateways, close: () => kept.disposeAsync() }
}

/** One gateway that sends nonsense must not take the room of the others. */
export function openDeadLetters({ deadLetters: { path, maxSize }, gateways }: Config, clock: Clock): DeadLetterBox {
  return new DeadLetterBox({ path, maxSize: Math.floor(maxSize / gateways.length) }, clock)
}

/** What a run is to do, and what is known of the database that it fills. */
interface RunOptions {
  readonly demand: Demand
  /** The gateway that alone is asked; undefined: all. */
  readonly only?: string | undefined
  /** How long the database keeps points, ms: what it would not keep is not asked for. Undefined: for ever. */
  readonly keptMs: number | undefined
  readonly observe: (event: RunEvent) => void
}

/** A run over the gateways of a configuration: see `run`. */
export async function runApp(
  app: App,
  { requests, sync }: Config,
  { demand, only, keptMs, observe }: RunOptions,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const jobs = app.gateways
    .filter(({ source }) => only === undefined || source.name === only)
    .map(({ config, source, mapping, throttle, clockWatch, turns }): GatewayJob => {
      const { sockets } = config.limits
      return {
        source,
        mapping,
        throttle,
        clockWatch,
        turns,
        sockets,
        selectors: selectorsOf(config),
        rules: rulesOf(config.datapoints),
        requests,
        maturity: sync,
        demand,
        keptMs,
      }
    })
  return await run(jobs, { ...app, observe: observeRun(app, observe) }, signal)
}

function selectorsOf({ datapoints }: GatewayConfig): Selector[] {
  return datapoints.map(({ selector }) => selector)
}

/**
 * A few batches of each gateway are in memory at a time: many gateways share what a few would use (law 6). 5,000 lines are
 * the least of what InfluxDB takes best (docs/databases.md); of ordinary entries they are about 2 MB. Large values fill a
 * batch by its bytes.
 */
function batchFor(gateways: number): BatchLimits {
  const frames = Math.max(500, Math.min(5_000, Math.floor(60_000 / gateways)))
  const bytes = Math.max(leastBatchBytes, Math.min(mostBatchBytes, Math.floor((48 * 1024 * 1024) / gateways)))
  return { frames, bytes }
}

const leastBatchBytes = 512 * 1024
const mostBatchBytes = 4 * 1024 * 1024

export async function openSink({ sink, gateways }: Config, parts: AppParts): Promise<Sink> {
  if (sink.kind === 'sqlite') return await openSqliteSink(sink, parts)
  if (sink.kind === 'bundle') return await openBundleSink(sink, parts)
  const measurements = new Set(gateways.flatMap(({ datapoints }) => datapoints.map(({ measurement }) => measurement)))
  const numberFields = gateways.flatMap(({ datapoints }) =>
    datapoints.flatMap(({ measurement, field }) => (field === undefined ? [] : [{ measurement, field }])),
  )
  const ownTags = gateways.flatMap(({ datapoints }) => datapoints.flatMap(({ tags }) => Object.keys(tags)))
  const tagNames = [...new Set([...reservedTags, ...ownTags])]
  return await openInfluxSink({ ...sink, measurements: [...measurements], numberFields, tagNames }, parts)
}

/** The daemon's metrics, shown where the configuration says; undefined: nowhere. */
export async function openMetrics({
  metrics: { listen },
  gateways,
}: Config): Promise<{ readonly metrics: Metrics; readonly url: string; close(): Promise<void> } | undefined> {
  if (listen === undefined) return undefined
  // no other command has to wait for its library
  const { Metrics } = await import('./service/metrics.ts')
  const metrics = new Metrics(gateways.map(({ name }) => name))
  return { metrics, ...(await serveMetrics(listen, metrics)) }
}

type GatewayParts = Pick<AppParts, 'clock'> & Pick<GatewayOptions, 'batch' | 'onTooFast'>

/** One gateway by itself, for commands that do not ask for its log. The caller closes it. */
export function openGateway(options: GatewayConfig, parts: GatewayParts): Gateway {
  const { clock, batch, onTooFast } = parts
  return new Gateway({ ...options, clock, batch, ...(onTooFast && { onTooFast }) })
}

/** A gateway with its monitor, and with the throttle that all requests for its log go through. */
interface ThrottledGateway {
  readonly gateway: Gateway
  readonly source: RunSource
  readonly throttle: Throttle
  close(): Promise<void>
}

export function openThrottledGateway(
  options: GatewayConfig,
  parts: AppParts & {
    readonly batch?: BatchLimits
    readonly sink: Sink | undefined
    readonly meanings: DeviceMeanings
  },
): ThrottledGateway {
  const { clock, log, sink, meanings } = parts
  const { generalSocket, limits } = options
  const gateway = openGateway(options, parts)
  const monitor = new GatewayMonitor({ gateway, clock, log, generalSocket })
  const gates = [createCpuGate({ clock, current: () => monitor.cpu(), pauseAbove: limits.pauseAboveCpu })]
  const zone = () => gateway.clock.zone ?? limits.zone
  if (limits.quiet !== undefined)
    gates.push(createQuietGate(limits.quiet, { host: clock, gateway: gateway.clock }, zone))
  return {
    gateway,
    source: createRunSource({ gateway, monitor, clock, log, selectors: selectorsOf(options), meanings }),
    throttle: createThrottle({ limits, clock, gates, sink }),
    async close() {
      await monitor.close()
      await gateway.close()
    },
  }
}

/** What makes the points of the chosen gateways. */
export function ruledGateways({ gateways }: Config, only: string | undefined) {
  const chosen = gateways.filter(({ name }) => only === undefined || name === only)
  return chosen.map(({ name, datapoints }) => ({ name, rules: rulesOf(datapoints) }))
}

/** Throws a Failure that lists the names there are. */
export function findGateway(config: Config, name: string): GatewayConfig {
  const found = config.gateways.find(gateway => gateway.name === name)
  if (found !== undefined) return found
  const names = config.gateways.map(gateway => gateway.name).join(', ')
  throw configFailure('unknown-gateway', `there is no gateway "${name}" in the configuration`, {
    advice: `There ${config.gateways.length === 1 ? 'is' : 'are'}: ${names}.`,
  })
}
