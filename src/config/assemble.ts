import { dirname, join, resolve } from 'node:path'
import type { Referenced } from './referenced.ts'
import type { Config, GatewayConfig, InfluxdbConfig, Settings, TlsTrust } from './schema.ts'
import type { Path } from './yaml.ts'

/** Checked settings and the files they name → what the program is given. */
export function assemble(settings: Settings, base: string, referenced: readonly Referenced[]): Config {
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
          : { kind: 'sqlite', path: resolve(base, sqlite?.path ?? 'data/points.db') },
    ledger,
    deadLetters: { path: path === undefined ? join(dirname(ledger), 'dead-letters') : resolve(base, path), maxSize },
    requests: settings.requests,
    sync: settings.sync,
    metrics: settings.metrics,
  }
}

type ContentOf = (...path: Path) => string
type GatewaySettings = Settings['gateways'][string]
type InfluxdbSettings = NonNullable<Settings['sink']['influxdb']>

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
  const { version, url, timeout, org = '', bucket = '', database = '', retentionPolicy, proxy, server } = influxdb
  const secret = <Key extends 'token' | 'username' | 'password'>(key: Key): { [K in Key]?: string } => {
    const value = influxdb[key]
    if (value === undefined) return {}
    const text = typeof value === 'string' ? value : contentOf('sink', 'influxdb', key, 'file')
    return { [key]: text } as { [K in Key]?: string }
  }
  const base = {
    kind: 'influxdb',
    url,
    timeout,
    ...(influxdb.ca === undefined ? {} : { ca: contentOf('sink', 'influxdb', 'ca') }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(server === undefined ? {} : { server }),
  } as const
  const login = { ...secret('username'), ...secret('password') }
  if (version === 2) return { ...base, version, org, bucket, ...secret('token'), ...login }
  if (version === 3) return { ...base, version, database, ...secret('token') }
  return {
    ...base,
    version,
    database,
    ...login,
    ...(retentionPolicy === undefined ? {} : { retentionPolicy }),
  }
}
