import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type ServerProcess, startProcess } from './server-process.ts'

export interface InfluxdOptions {
  /** Created at once, besides the admin user when `auth` is on. */
  readonly database?: string
  /** Bytes; influxd's own default is 25 MB. */
  readonly maxBodySize?: number
  /** Creates an admin `admin`/`secret` and asks everybody for a password. */
  readonly auth?: boolean
}

/** The columns and rows of one series, as InfluxQL gives them. */
export interface InfluxSeries {
  readonly name: string
  readonly tags?: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  readonly values: readonly (readonly (string | number | boolean | null)[])[]
}

/** A real InfluxDB 1.6.7 on a free port, with its files in a new folder. */
export interface Influxd {
  readonly url: string
  /** All of its files. */
  readonly folder: string
  /** InfluxQL; times come as integers of the given precision. Throws what the database says is wrong. */
  query(q: string, options?: { database?: string; epoch?: 'ns' | 'ms' }): Promise<readonly InfluxSeries[]>
  /** As `query`, the answer as text: nanoseconds are beyond what a JSON number keeps exactly in JavaScript. */
  queryText(q: string, database?: string): Promise<string>
  /** Raw line protocol, to put there what the sink itself would not write. */
  write(lines: string, database?: string): Promise<number>
  /** The process: SIGSTOP and SIGCONT. */
  signal(name: NodeJS.Signals): void
  /** Ends the process; the files and the port stay for `start`. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Stops it and removes its folder. */
  close(): Promise<void>
}

const admin = { name: 'admin', password: 'secret' }

export async function openInfluxd(options: InfluxdOptions = {}): Promise<Influxd> {
  const folder = await mkdtemp(join(tmpdir(), 'influxd-'))
  const [port, rpc] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const config = join(folder, 'influxdb.conf')
  await writeFile(config, configText(folder, port, rpc, options))
  const headers = options.auth
    ? { authorization: `Basic ${Buffer.from(`${admin.name}:${admin.password}`).toString('base64')}` }
    : {}
  let running: ServerProcess | undefined

  async function queryText(q: string, database?: string, epoch = 'ns'): Promise<string> {
    const body = new URLSearchParams({ q, epoch, ...(database === undefined ? {} : { db: database }) })
    const response = await fetch(`${url}/query`, { method: 'POST', body, headers })
    const text = await response.text()
    if (!response.ok || text.includes('"error"')) throw new Error(`${response.status} ${text}`)
    return text
  }

  const influxd: Influxd = {
    url,
    folder,
    queryText: (q, database = options.database) => queryText(q, database),
    async query(q, { database = options.database, epoch = 'ms' } = {}) {
      const answer: { results: { series?: InfluxSeries[] }[] } = JSON.parse(await queryText(q, database, epoch))
      return answer.results.flatMap(result => result.series ?? [])
    },
    async write(lines, database = options.database) {
      const response = await fetch(`${url}/write?db=${database}&precision=ns`, { method: 'POST', body: lines, headers })
      await response.text()
      return response.status
    },
    signal(name) {
      running?.signal(name)
    },
    async start() {
      running = await startProcess('influxd', ['-config', config], async () => (await fetch(`${url}/ping`)).ok)
    },
    async stop() {
      await running?.stop()
      running = undefined
    },
    async close() {
      await influxd.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  try {
    await influxd.start()
    if (options.auth)
      await queryText(`CREATE USER "${admin.name}" WITH PASSWORD '${admin.password}' WITH ALL PRIVILEGES`)
    if (options.database !== undefined) await queryText(`CREATE DATABASE "${options.database}"`)
    return influxd
  } catch (error) {
    await influxd.close()
    throw error
  }
}

function configText(folder: string, port: number, rpc: number, { auth, maxBodySize }: InfluxdOptions): string {
  return `
reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  auth-enabled = ${auth === true}
${maxBodySize === undefined ? '' : `  max-body-size = ${maxBodySize}`}
`
}
