import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { type Answer, influxqlAnswer, json, plain, type Store, sqlAnswer, type Table } from './influxdb-3-queries.ts'
import type { Exchange } from './recordings.ts'

export interface InfluxDb3 extends Store {
  readonly url: string
  readonly token: string
  readonly requests: readonly string[]
  diskFull: boolean
  /** False: started with `--without-auth`. */
  needsToken: boolean
  /** What is put behind the name of a database that is deleted now. */
  deletedAt: () => string
  createDatabase(name: string, retentionMs?: number): void
  answer(request: Exchange['request']): Answer
  close(): Promise<void>
}

const token = 'ADMIN-TOKEN'
const notAuthenticated = { status: 401, body: '{"error": "the request was not authenticated"}' }

/** The old APIs say of the same refusals less. */
function asVersion2({ status, body }: Answer): Answer {
  if (status < 400) return { status, body }
  const { error, data } = JSON.parse(body) as { error: string; data?: { error_message: string } }
  const cause =
    data === undefined ? `catalog update error: ${error}` : `line protocol parse failed: ${data.error_message}`
  return plain(400, JSON.stringify({ code: 'invalid', message: `write buffer error: ${cause}` }))
}

/**
 * InfluxDB 3 Core 3.10.1 in software, as far as the sink goes: what it answers is what a real one was recorded to answer.
 * Of SQL and InfluxQL it knows the statements of the recordings and of the sink.
 */
export async function openInfluxDb3(): Promise<InfluxDb3> {
  const databases = new Map<string, Map<string, Table>>()
  const retentions = new Map<string, number>()
  const requests: string[] = []
  const deleted: string[] = []

  const self: InfluxDb3 = {
    url: '',
    token,
    databases,
    retentions,
    requests,
    fileLimit: Number.POSITIVE_INFINITY,
    diskFull: false,
    needsToken: true,
    deletedAt: () => new Date().toISOString().replace(/[-:]|\..*$/g, ''),
    createDatabase(name, retentionMs) {
      databases.set(name, new Map())
      if (retentionMs !== undefined) retentions.set(name, retentionMs)
    },
    answer,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  function answer({ method, path, token: given, headers = {}, body = '' }: Exchange['request']): Answer {
    const { pathname, searchParams } = new URL(path, 'http://x')
    requests.push(`${method} ${pathname}`)
    const secret = given?.replace(/^(Bearer|Token) /, '') ?? searchParams.get('p')
    if (self.needsToken && secret !== token) return notAuthenticated
    if (pathname === '/ping')
      return json(200, {
        product_name: 'InfluxDB 3 Core',
        version: '3.10.1',
        revision: 'ff6872a3d8',
        process_id: 'f7062688-cd0f-4954-86ef-e13b8597ce9f',
      })
    if (pathname === '/health') return { status: 200, body: 'OK', type: 'text/plain; charset=utf-8' }
    if (pathname === '/api/v3/configure/database') return configureDatabase(method, searchParams)
    if (pathname === '/api/v3/configure/table' && method === 'DELETE') {
      databases.get(searchParams.get('db')!)?.delete(searchParams.get('table')!)
      return { status: 200, body: '' }
    }
    if (headers['content-encoding'] === 'gzip' && body === 'not gzip')
      return plain(400, 'error decoding gzip stream: unexpected end of file')
    if (pathname === '/api/v3/write_lp')
      return writeLines(searchParams.get('db')!, body, searchParams.get('accept_partial') !== 'false')
    if (pathname === '/write') return writeLines(searchParams.get('db')!, body, false)
    if (pathname === '/api/v2/write') return asVersion2(writeLines(searchParams.get('bucket')!, body, false))
    if (pathname === '/api/v3/query_sql') return sqlAnswer(self, JSON.parse(body))
    if (pathname === '/query') return influxqlAnswer(self, searchParams.get('db')!, searchParams.get('q') ?? '')
    return plain(404, 'Not found')
  }

  function configureDatabase(method: string, asked: URLSearchParams): Answer {
    if (method === 'DELETE') {
      databases.delete(asked.get('db')!)
      deleted.push(`${asked.get('db')}-${self.deletedAt()}`)
      return { status: 200, body: '' }
    }
    const names = ['_internal', ...[...databases.keys()].sort()]
    if (asked.get('show_deleted') !== 'true')
      return json(
        200,
        names.map(name => ({ 'iox::database': name })),
      )
    const rows = [...names.map(name => [name, false] as const), ...deleted.map(name => [name, true] as const)]
    return json(
      200,
      rows.map(([name, isDeleted]) => ({ 'iox::database': name, deleted: isDeleted })),
    )
  }

  function writeLines(db: string, body: string, isPartial: boolean): Answer {
    if (/[^\w-]/.test(db))
      return plain(
        400,
        '{"error":"invalid character in database or rp name: must be ASCII, containing only letters, numbers, underscores, or hyphens"}',
      )
    if (!databases.has(db) && databases.size >= 5)
      return plain(422, '{"error":"Adding a new database would exceed limit of 5 databases"}')
    // whatever it holds, a write makes the database
    const tables = databases.get(db) ?? new Map<string, Table>()
    databases.set(db, tables)
    if (body === '') return plain(400, 'incoming write was empty')
    if (body.length > 10_485_760) return plain(413, 'max request size (10485760 bytes) exceeded')
    if (self.diskFull)
      return plain(
        500,
        'write buffer error: error from wal: error writing wal file: Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)',
      )
    // a newline within quotes is part of a text
    const lines = body.match(/(?:"(?:\\.|[^"\\])*"|[^\n"])+/g) ?? []
    const data: { error_message: string; line_number: number; original_line: string }[] = []
    const good: (() => void)[] = []
    for (const [i, line] of lines.entries()) {
      const refusal = take(tables, line, good)
      if (refusal !== undefined)
        data.push({ error_message: refusal, line_number: i + 1, original_line: line.slice(0, 20).replaceAll('"', '') })
    }
    if (isPartial || data.length === 0) for (const store of good) store()
    if (data.length === 0) return plain(204, '')
    if (!isPartial) return plain(400, JSON.stringify({ error: 'line protocol parsing error', data: data[0] }))
    const status = data.some(({ error_message }) => error_message.startsWith('Update to schema')) ? 422 : 400
    return plain(status, JSON.stringify({ error: 'partial write of line protocol occurred', data }))
  }

  /** The reason for which a line is refused; undefined: `good` stores it. */
  function take(tables: Map<string, Table>, line: string, good: (() => void)[]): string | undefined {
    const [, head = '', fieldText = '', time = ''] = /^((?:\\[,= ]|[^ ])+) (.+?)(?: (-?\d+))?$/s.exec(line) ?? []
    if (head === '') return 'Expected at least one space character, got end of input'
    const [measurement = '', ...pairs] = head.split(/(?<!\\),/)
    const plainName = (text: string) => text.replace(/\\([,= ])/g, '$1')
    const tags: Record<string, string> = {}
    for (const pair of pairs) {
      const [key = '', value = ''] = pair.split(/(?<!\\)=/)
      if (value === '') return `Expected tag value, got \` ${fieldText} 1...\``
      tags[plainName(key)] = plainName(value)
    }
    const fields: Record<string, number | string | boolean> = {}
    const types = new Map<string, 'float' | 'string' | 'boolean' | 'integer'>()
    for (const [, key = '', value = ''] of fieldText.matchAll(/((?:\\[,= ]|[^=,])+)=("(?:\\.|[^"\\])*"|[^,]*),?/gs)) {
      const name = plainName(key)
      if (value.startsWith('"')) [fields[name]] = [value.slice(1, -1).replace(/\\(["\\])/g, '$1')]
      else if (value === 'T' || value === 'F') fields[name] = value === 'T'
      else if (/^-?\d+i$/.test(value)) fields[name] = Number.parseInt(value, 10)
      else if (value !== '' && Number.isFinite(Number(value))) fields[name] = Number(value)
      else return 'No fields were provided'
      const type = value.endsWith('i') && !value.startsWith('"') ? 'integer' : typeof fields[name]
      types.set(name, type === 'number' ? 'float' : (type as 'string'))
    }
    if (types.size === 0) return 'No fields were provided'
    if ('time' in tags)
      return "invalid column type for column 'time', expected iox::column_type::timestamp, got iox::column_type::tag"
    const name = plainName(measurement)
    const table = tables.get(name) ?? { columns: new Map(), rows: new Map() }
    const columns = [...Object.keys(tags).map(key => [key, 'tag'] as const), ...types]
    const typeName = (type: string) => `iox::column_type::${type === 'tag' ? 'tag' : `field::${type}`}`
    for (const [column, type] of columns) {
      const held = table.columns.get(column)
      if (held !== undefined && held !== type)
        return `invalid column type for column '${column}', expected ${typeName(held)}, got ${typeName(type)}`
    }
    // a refused line leaves its table behind
    tables.set(name, table)
    if (new Set([...table.columns.keys(), ...columns.map(([key]) => key), 'time']).size > 500)
      return 'Update to schema would exceed number of columns per table limit of 500 columns'
    for (const [column, type] of columns) table.columns.set(column, type)
    good.push(() => {
      const key = `${JSON.stringify(Object.entries(tags).sort())} ${time}`
      const row = table.rows.get(key)
      // overwriting is not to be relied on: the first value stays
      if (row !== undefined) row.fields = { ...fields, ...row.fields }
      else table.rows.set(key, { tags, ns: BigInt(time || Date.now() * 1_000_000), fields })
    })
    return undefined
  }

  async function bodyOf(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
  }

  const server = createServer(async (request, response) => {
    const { method = 'GET', url: path = '/' } = request
    const given = request.headers.authorization
    const { status, body, type } = answer({
      method,
      path,
      ...(given === undefined ? {} : { token: given }),
      body: await bodyOf(request),
    })
    if (type !== undefined) response.setHeader('content-type', type)
    response.setHeader('cluster-uuid', 'CLUSTER-UUID-1')
    if (path.startsWith('/ping') && status === 200) {
      response.setHeader('x-influxdb-build', 'Core')
      response.setHeader('x-influxdb-version', '3.10.1')
    }
    response.writeHead(status).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return Object.assign(self, { url: `http://127.0.0.1:${address.port}` })
}
