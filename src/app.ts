import type { Logger } from 'pino'
import { configFailure } from './config/failures.ts'
import type { Config, GatewayConfig } from './config/schema.ts'
import { DeadLetterBox } from './dead-letters/dead-letters.ts'
import { createLetterReader } from './dead-letters/letter-content.ts'
import { type ReplayReceipt, replayLetters } from './dead-letters/replay.ts'
import type { Clock } from './domain/clock.ts'
import type { Selector } from './domain/datapoint.ts'
import { Failure } from './domain/failure.ts'
import { type Ledger, openLedger } from './ledger/ledger.ts'
import { accompanied } from './pipeline/accompanied.ts'
import { noteActivity } from './pipeline/activity.ts'
import { createClockWatch } from './pipeline/clock-watch.ts'
import { createCpuGate, createQuietGate } from './pipeline/gateway-gates.ts'
import type { GatewayJob, RunEvent, RunSource } from './pipeline/job.ts'
import { type LoadOutcome, loadBundle } from './pipeline/load-bundle.ts'
import { type RunOutcome, run } from './pipeline/run.ts'
import { createThrottle, type Throttle } from './pipeline/throttle.ts'
import { logTransfers } from './pipeline/transfer-log.ts'
import type { Demand } from './planning/demand.ts'
import { compileMapping } from './points/mapping.ts'
import { reservedTags } from './points/series.ts'
import type { Metrics } from './service/metrics.ts'
import { serveMetrics } from './service/metrics-server.ts'
import { openBundleSink } from './sinks/bundle/bundle-sink.ts'
import { openInfluxSink } from './sinks/influxdb/influx-sink.ts'
import type { CheckPurpose, Sink, SinkReport } from './sinks/sink.ts'
import { openSqliteSink } from './sinks/sqlite/sqlite-sink.ts'
import type { BatchLimits } from './smartserver/data-log.ts'
import { Gateway, type GatewayOptions } from './smartserver/gateway.ts'
import { GatewayMonitor } from './smartserver/gateway-monitor.ts'
import { createVerifiedGateways } from './verification/verified-gateways.ts'
import type { VerifyParts } from './verification/verify.ts'

export interface AppParts {
  readonly clock: Clock
  readonly log: Logger
}

/** The parts that work together, for as long as a command runs. */
export interface App {
  readonly sink: Sink
  readonly ledger: Ledger
  /**
   * Looks at the database before a run does: from then on runs leave out what it would not keep. Throws a Failure where
   * it is away, or not to be written to.
   */
  prepare(signal: AbortSignal, purpose?: CheckPurpose): Promise<SinkReport>
  /** All gateways, or one of them. */
  run(
    demand: Demand,
    only: string | undefined,
    observe: (event: RunEvent) => void,
    signal: AbortSignal,
  ): Promise<RunOutcome>
  /** Brings a bundle into the sink: see `loadBundle`. */
  load(folder: string, observe: (done: number, total: number) => void, signal: AbortSignal): Promise<LoadOutcome>
  /** Logs in to a gateway, and tells its release where it has one to tell. */
  hello(gateway: string, signal: AbortSignal): Promise<string | undefined>
  /** The gateways as `verify` needs them, for a database of which this was reported. */
  verified(report: SinkReport, repairs: boolean, signal: AbortSignal): NonNullable<VerifyParts['gateways']>
  /** Tries the dead letters once more, all or those of one reason: see `replayLetters`. */
  replay(reason: string | undefined, signal: AbortSignal): Promise<ReplayReceipt>
  close(): Promise<void>
}

/** A disk that is not mounted, a file that was deleted, or a database that is really new: the person knows. */
const otherDatabase =
  'the proof in the ledger is of another database: this one is filled from the start (was a file deleted, or is a disk not mounted?)'

/**
 * Builds and wires everything, by name; closes in reverse order. Takes the ledger for itself: `doing` is what another
 * process is told. Throws a Failure, and leaves nothing open.
 */
export async function openApp(config: Config, doing: string, { clock, log }: AppParts): Promise<App> {
  await using opened = new AsyncDisposableStack()
  const ledger = opened.adopt(openLedger(config.ledger, clock), it => it.close())
  ledger.owner.take(doing)
  const deadLetters = opened.adopt(new DeadLetterBox(config.deadLetters, clock), it => it.close())
  deadLetters.sweep()
  const sink = opened.adopt(await openSink(config, { clock, log }), it => it.close())
  const batch = batchFor(config.gateways.length)
  const gateways = config.gateways.map(gateway => {
    const pins = ledger.pins.of({ sink: sink.id, gateway: gateway.name })
    const accompanied = opened.adopt(openAccompanied(gateway, { clock, log, batch, sink }), it => it.close())
    const mapping = compileMapping(gateway.name, gateway.datapoints, pins)
    const { deviceIdOf, clock: itsClock } = accompanied.source
    const readLetter = createLetterReader(gateway.name, selectorsOf(gateway), { mapping, deviceIdOf, clock: itsClock })
    const clockWatch = createClockWatch(accompanied.source, { clock, ledger })
    return { config: gateway, ...accompanied, mapping, readLetter, clockWatch }
  })
  const parts = { sink, ledger, deadLetters, clock }
  const kept = opened.move()
  let retentionMs: number | undefined
  const openGatewayOf = (name: string) => {
    const { name: found } = findGateway(config, name)
    return gateways.find(it => it.config.name === found)!
  }
  return {
    sink,
    ledger,
    async prepare(signal, purpose) {
      const report = await sink.check(signal, purpose)
      await deadLetters.learn(signal)
      retentionMs = report.retentionMs
      if (!ledger.coverage.provesOthersOnly(sink.id)) return report
      return { ...report, warnings: [...report.warnings, otherDatabase] }
    },
    run(demand, only, observe, signal) {
      const jobs = gateways
        .filter(gateway => only === undefined || gateway.config.name === only)
        .map(
          ({ config: gateway, source, mapping, throttle, clockWatch }): GatewayJob => ({
            source,
            mapping,
            throttle,
            clockWatch,
            sockets: gateway.limits.sockets,
            selectors: selectorsOf(gateway),
            requests: config.requests,
            maturity: config.sync,
            demand,
            keptMs: retentionMs,
          }),
        )
      return run(jobs, { ...parts, observe: logTransfers(log, noteActivity(ledger, clock, observe)) }, signal)
    },
    load: (folder, observe, signal) => loadBundle(folder, parts, observe, signal),
    async hello(name, signal) {
      const { source, gateway, throttle } = openGatewayOf(name)
      await source.hello(signal)
      throttle.circuit.connected()
      return gateway.release
    },
    verified({ exact = true }, repairs, signal) {
      const folder = config.deadLetters.path
      const { requests } = config
      return createVerifiedGateways(gateways, { ...parts, folder, requests, isExact: exact, repairs }, signal)
    },
    replay(reason, signal) {
      const met = new Set<string>()
      const meet = async (source: RunSource) => {
        if (met.has(source.name)) return
        met.add(source.name)
        await source.hello(signal).catch(error => {
          if (!(error instanceof Failure)) throw error
          log.warn({ gateway: source.name, code: error.code, error: error.message }, 'its device list cannot be had')
        })
      }
      const gateway = (name: string) => {
        const found = gateways.find(it => it.config.name === name)
        if (found === undefined) return undefined
        const { source, mapping, readLetter: read } = found
        return { mapping, read, learnDevices: () => meet(source) }
      }
      return replayLetters(reason, { sink, ledger, folder: config.deadLetters.path, gateway }, signal)
    },
    close: () => kept.disposeAsync(),
  }
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
  if (sink.kind === 'bundle') return await openBundleSink(sink)
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

export type GatewayParts = Pick<AppParts, 'clock'> & Pick<GatewayOptions, 'batch' | 'onTooFast'>

/** One gateway by itself, for looking at it. Whoever opens it closes it. */
export function openGateway(options: GatewayConfig, parts: GatewayParts): Gateway {
  const { clock, batch, onTooFast } = parts
  return new Gateway({ ...options, clock, batch, ...(onTooFast && { onTooFast }) })
}

/** A gateway for work on its log: with its monitor, and the throttle that all its data-log requests go through. */
export function openAccompanied(
  options: GatewayConfig,
  parts: AppParts & { readonly batch?: BatchLimits; readonly sink: Sink | undefined },
): {
  readonly gateway: Gateway
  readonly source: RunSource
  readonly throttle: Throttle
  close(): Promise<void>
} {
  const { clock, log, sink } = parts
  const { generalSocket, limits } = options
  const gateway = openGateway(options, parts)
  const monitor = new GatewayMonitor({ gateway, clock, log, generalSocket })
  const gates = [createCpuGate({ clock, current: () => monitor.cpu(), pauseAbove: limits.pauseAboveCpu })]
  const zone = () => gateway.clock.zone ?? limits.zone
  if (limits.quiet !== undefined)
    gates.push(createQuietGate(limits.quiet, { host: clock, gateway: gateway.clock }, zone))
  return {
    gateway,
    source: accompanied({ gateway, monitor, clock, log, selectors: selectorsOf(options) }),
    throttle: createThrottle({ limits, clock, gates, sink }),
    async close() {
      await monitor.close()
      await gateway.close()
    },
  }
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
