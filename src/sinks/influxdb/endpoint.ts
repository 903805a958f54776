/** How the databases that speak this protocol are told apart: what differs is in `dialects.ts`. */
export type DialectName = 'influxdb-1' | 'influxdb-2' | 'influxdb-3' | 'victoria-metrics'

export interface NumberField {
  readonly measurement: string
  readonly field: string
}

export interface InfluxOptions {
  /** `http://localhost:8086`; a path is kept (a reverse proxy), a user name in it is not. */
  readonly url: string
  /** Which of the write APIs to speak: 1 with a database, 2 (3.x and VictoriaMetrics take it too) with a bucket. */
  readonly version?: 1 | 2 | 3 | undefined
  /** Left out: what the database says of itself when it is first written to. */
  readonly server?: DialectName | undefined
  readonly token?: string | undefined
  readonly org?: string | undefined
  readonly bucket?: string | undefined
  readonly database?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly retentionPolicy?: string | undefined
  /** Whose fields the check looks at, since others may write to the database too; `datalog` if left out. */
  readonly measurements?: readonly string[] | undefined
  /** The fields of theirs that are named in the configuration. */
  readonly numberFields?: readonly NumberField[] | undefined
  /** Milliseconds without a byte from the database before a request counts as lost. */
  readonly timeout: number
  /** PEM: certificates to trust besides the system's own. */
  readonly ca?: string | undefined
  /** `http://proxy:3128`: the way to the database. */
  readonly proxy?: string | undefined
}

/** Where the points go: address, names, paths; no secret. */
export interface Endpoint {
  /** Without user name, password, query and trailing slash. */
  readonly url: string
  readonly api: 1 | 2
  /** Database or bucket. */
  readonly name: string
  readonly org: string | undefined
  readonly retentionPolicy: string | undefined
  readonly writePath: string
  readonly id: string
  readonly label: string
}

/** Throws a RangeError for options that the config must not let through. */
export function endpointOf(options: InfluxOptions): Endpoint {
  const { org, retentionPolicy } = options
  const address = new URL(options.url)
  if (address.protocol !== 'http:' && address.protocol !== 'https:')
    throw new RangeError(`the URL of an InfluxDB begins with http:// or https://, not ${address.protocol}//`)
  const url = `${address.protocol}//${address.host}${address.pathname.replace(/\/+$/, '')}`
  const api = options.version === undefined ? (options.bucket === undefined ? 1 : 2) : options.version === 1 ? 1 : 2
  const name = api === 1 ? (options.database ?? options.bucket) : (options.bucket ?? options.database)
  if (name === undefined || name === '') throw new RangeError('an InfluxDB sink needs a database (1.x) or a bucket')
  const inner = [org, name, retentionPolicy].filter(part => part !== undefined && part !== '') as string[]
  return {
    url,
    api,
    name,
    org,
    retentionPolicy,
    writePath:
      api === 1
        ? `/write?${queryText({ db: name, rp: retentionPolicy, precision: 'ns' })}`
        : `/api/v2/write?${queryText({ org: org ?? '', bucket: name, precision: 'ns' })}`,
    id: `influxdb:${url}/${inner.map(encodeURIComponent).join('/')}`,
    label: `InfluxDB ${url} ${inner.join('/')}`,
  }
}

/** `a=1&b=2`; what is undefined is left out. */
export function queryText(parameters: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value!)}`)
    .join('&')
}
