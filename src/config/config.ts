import { dirname, join, resolve } from 'node:path'
import type { DatapointConfig } from './datapoint.ts'
import type { Referenced } from './referenced.ts'
import type { Settings } from './schema.ts'
import type { Path } from './yaml.ts'

type GatewaySettings = Readonly<Settings['gateways'][string]>
type InfluxdbSettings = Readonly<NonNullable<Settings['sink']['influxdb']>>

/** What the program is given. Durations are whole milliseconds; paths are absolute. */
export interface Config {
  readonly gateways: readonly GatewayConfig[]
  readonly sink: FileSinkConfig | InfluxdbConfig
  readonly ledger: string
  readonly deadLetters: DeadLettersConfig
  readonly requests: RequestsConfig
  readonly sync: SyncConfig
  readonly metrics: Readonly<Settings['metrics']>
  /** What works and someone should know of, a line each. */
  readonly warnings: readonly string[]
}

export interface GatewayConfig extends Omit<GatewaySettings, 'username' | 'password' | 'tls' | 'datapoints'> {
  readonly name: string
  readonly username: string
  readonly password: string
  readonly tls: TlsTrust
  readonly datapoints: readonly DatapointConfig[]
}

/** How a gateway proves who it is. `authority`: PEM text. `fingerprint`: `AB:CD:…` as Node's `fingerprint256`. */
export type TlsTrust =
  | { readonly kind: 'system' }
  | { readonly kind: 'authority'; readonly ca: string }
  | { readonly kind: 'fingerprint'; readonly fingerprint256: string }
  | { readonly kind: 'none' }

export type GatewayLimits = Readonly<GatewaySettings['limits']>
export type RequestsConfig = Readonly<Settings['requests']>
export type SyncConfig = Readonly<Settings['sync']>

export interface DeadLettersConfig {
  readonly path: string
  /** Bytes. */
  readonly maxSize: number
}

type FileSinkConfig =
  | { readonly kind: 'sqlite'; readonly path: string; readonly mode: number | undefined }
  | { readonly kind: 'bundle'; readonly path: string }

interface InfluxdbConfig extends Omit<InfluxdbSettings, 'token' | 'username' | 'password' | 'ca'> {
  readonly kind: 'influxdb'
  readonly token: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  /** PEM text. */
  readonly ca: string | undefined
}

/** Checked settings and the files they name → what the program is given. */
export function assemble(
  settings: Settings,
  base: string,
  referenced: readonly Referenced[],
): Omit<Config, 'warnings'> {
  const contents = new Map(referenced.map(({ path, content }) => [JSON.stringify(path), content]))
  const contentOf: ContentOf = (...path) => contents.get(JSON.stringify(path)) ?? ''
  const { influxdb, sqlite, bundle } = settings.sink
  const ledger = resolve(base, settings.ledger)
  const { path, maxSize } = settings.deadLetters
  return {
    gateways: Object.entries(settings.gateways).map(([name, gateway]) => gatewayOf(name, gateway, contentOf)),
    sink:
      influxdb !== undefined
        ? influxdbOf(influxdb, contentOf)
        : bundle !== undefined
          ? { kind: 'bundle', path: resolve(base, bundle.path) }
          : { kind: 'sqlite', path: resolve(base, sqlite?.path ?? 'data/points.db'), mode: sqlite?.mode },
    ledger,
    deadLetters: { path: path === undefined ? join(dirname(ledger), 'dead-letters') : resolve(base, path), maxSize },
    requests: settings.requests,
    sync: settings.sync,
    metrics: settings.metrics,
  }
}

type ContentOf = (...path: Path) => string

function gatewayOf(name: string, gateway: GatewaySettings, contentOf: ContentOf): GatewayConfig {
  const secret = (key: 'username' | 'password') => {
    const value = gateway[key]
    return typeof value === 'string' ? value : contentOf('gateways', name, key, 'file')
  }
  return {
    ...gateway,
    name,
    username: secret('username'),
    password: secret('password'),
    tls: trustOf(gateway.tls, contentOf('gateways', name, 'tls', 'ca')),
  }
}

function trustOf({ ca, fingerprint256, verify }: GatewaySettings['tls'], pem: string): TlsTrust {
  if (ca !== undefined) return { kind: 'authority', ca: pem }
  if (fingerprint256 !== undefined) return { kind: 'fingerprint', fingerprint256 }
  return { kind: verify === false ? 'none' : 'system' }
}

function influxdbOf(influxdb: InfluxdbSettings, contentOf: ContentOf): InfluxdbConfig {
  const secret = (key: 'token' | 'username' | 'password') => {
    const value = influxdb[key]
    return typeof value === 'object' ? contentOf('sink', 'influxdb', key, 'file') : value
  }
  return {
    ...influxdb,
    kind: 'influxdb',
    token: secret('token'),
    username: secret('username'),
    password: secret('password'),
    ca: influxdb.ca === undefined ? undefined : contentOf('sink', 'influxdb', 'ca'),
  }
}
