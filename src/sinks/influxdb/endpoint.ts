/** How the databases that speak this protocol are told apart: what differs is in `dialects.ts`. */
export type DialectName = 'influxdb-1' | 'influxdb-2' | 'influxdb-3' | 'victoria-metrics'

export interface NumberField {
  readonly measurement: string
  readonly field: string
}

export interface InfluxOptions {
  /** `http://localhost:8086`; a path is kept (a reverse proxy), a user name in it is not. */
  readonly url: string
  /** Which API to speak: 1 and 3 with a database, 2 (VictoriaMetrics takes it too) with a bucket. */
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
  /** Names of all tags that the configuration writes. */
  readonly tagNames?: readonly string[] | undefined
  /** Milliseconds without a byte before a request counts as lost; the whole of it may take five times as long. */
  readonly timeout: number
  /** PEM: certificates to trust besides the system's own. */
  readonly ca?: string | undefined
  /** `http://proxy:3128`: the way to the database. */
  readonly proxy?: string | undefined
}

/** Where the points go: address and names; no secret. */
export interface Endpoint {
  /** Without user name, password, query and trailing slash. */
  readonly url: string
  readonly api: 1 | 2 | 3
  /** Database or bucket; empty where the server has neither (VictoriaMetrics). */
  readonly name: string
  readonly org: string | undefined
  readonly retentionPolicy: string | undefined
  readonly id: string
  readonly label: string
}

/** Throws a RangeError for options that the configuration must not let through. */
export function endpointOf(options: InfluxOptions): Endpoint {
  const { org, retentionPolicy, server } = options
  const isVictoria = server === 'victoria-metrics'
  const address = new URL(options.url)
  if (address.protocol !== 'http:' && address.protocol !== 'https:')
    throw new RangeError(`the URL of an InfluxDB begins with http:// or https://, not ${address.protocol}//`)
  const url = `${address.protocol}//${address.host}${address.pathname.replace(/\/+$/, '')}`
  const api = options.version ?? (options.bucket === undefined && !isVictoria ? 1 : 2)
  const names = [options.database, options.bucket]
  const name = (api === 2 ? names.toReversed() : names).find(it => it !== undefined && it !== '') ?? ''
  if (name === '' && !isVictoria) throw new RangeError('an InfluxDB sink needs a database (1.x, 3.x) or a bucket (2.x)')
  const inner = [org, name, retentionPolicy].filter(part => part !== undefined && part !== '') as string[]
  return {
    url,
    api,
    name,
    org,
    retentionPolicy,
    id: `influxdb:${url}/${inner.map(encodeURIComponent).join('/')}`,
    label: [isVictoria ? 'VictoriaMetrics' : 'InfluxDB', url, inner.join('/')].join(' ').trim(),
  }
}

/** Where lines go. InfluxDB 3 answers its own path alone with each bad line, and with a full disk as what it is. */
export function writePath({ api, name, org, retentionPolicy }: Endpoint, dialect: DialectName): string {
  if (dialect === 'influxdb-3')
    // no_sync=true would lose acknowledged lines when the server is killed (0 of 8 kept)
    return `/api/v3/write_lp?${queryText({ db: name, precision: 'nanosecond', accept_partial: 'true', no_sync: 'false' })}`
  if (api !== 2) return `/write?${queryText({ db: name || undefined, rp: retentionPolicy, precision: 'ns' })}`
  return `/api/v2/write?${queryText({ org: org ?? '', bucket: name, precision: 'ns' })}`
}

/** `a=1&b=2`; what is undefined is left out. */
export function queryText(parameters: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value!)}`)
    .join('&')
}
