import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { jsonl } from './jsonl.ts'
import type { Exchange } from './recordings.ts'

interface StoredRow {
  readonly tags: Readonly<Record<string, string>>
  readonly ns: bigint
  fields: Record<string, number | string | boolean>
}

interface Table {
  readonly columns: Map<string, 'tag' | 'float' | 'string' | 'boolean' | 'integer'>
  readonly rows: Map<string, StoredRow>
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly type?: string
}

export interface InfluxDb3 {
  readonly url: string
  readonly token: string
  readonly databases: ReadonlyMap<string, ReadonlyMap<string, Table>>
  readonly requests: readonly string[]
  /** More points than this in a query are more Parquet files than it may read. */
  fileLimit: number
  diskFull: boolean
  createDatabase(name: string, retentionMs?: number): void
  answer(request: Exchange['request']): Answer
  close(): Promise<void>
}

const token = 'ADMIN-TOKEN'
const notAuthenticated = { status: 401, body: '{"error": "the request was not authenticated"}' }
const json = (status: number, body: unknown): Answer => ({
  status,
  body: JSON.stringify(body),
  type: 'application/json',
})
const plain = (status: number, body: string): Answer => ({ status, body })

/**
 * InfluxDB 3 Core 3.10.1 in software, as far as the sink goes: what it answers is what a real one was recorded to answer.
 * Of SQL and InfluxQL it knows the statements of the recordings and of the sink.
 */
export async function openInfluxDb3(): Promise<InfluxDb3> {
  const databases = new Map<string, Map<string, Table>>()
  const retentions = new Map<string, number>()
  const requests: string[] = []

  const self: InfluxDb3 = {
    url: '',
    token,
    databases,
    requests,
    fileLimit: Number.POSITIVE_INFINITY,
    diskFull: false,
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

  function answer({ method, path, token: given, body = '' }: Exchange['request']): Answer {
    const { pathname, searchParams } = new URL(path, 'http://x')
    requests.push(`${method} ${pathname}`)
    const secret = given?.replace(/^(Bearer|Token) /, '') ?? searchParams.get('p')
    if (secret !== token) return notAuthenticated
    if (pathname === '/ping')
      return json(200, {
        product_name: 'InfluxDB 3 Core',
        version: '3.10.1',
        revision: 'ff6872a3d8',
        process_id: 'f7062688-cd0f-4954-86ef-e13b8597ce9f',
      })
    if (pathname === '/health') return { status: 200, body: 'OK', type: 'text/plain; charset=utf-8' }
    if (pathname === '/api/v3/configure/database' && method === 'GET')
      return json(
        200,
        ['_internal', ...[...databases.keys()].sort()].map(name => ({ 'iox::database': name })),
      )
    if (pathname === '/api/v3/write_lp')
      return writeLines(searchParams.get('db')!, body, searchParams.get('accept_partial') !== 'false')
    if (pathname === '/api/v3/query_sql') {
      const { db, q, params = {} } = JSON.parse(body) as { db: string; q: string; params?: Record<string, string> }
      return sql(db, q, params)
    }
    if (pathname === '/query') return influxql(searchParams.get('db')!, searchParams.get('q') ?? '')
    return plain(404, 'Not found')
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

  function kept(db: string): bigint {
    const retentionMs = retentions.get(db)
    return retentionMs === undefined ? -(2n ** 63n) : BigInt(Date.now() - retentionMs) * 1_000_000n
  }

  function sql(db: string, q: string, params: Readonly<Record<string, string>>): Answer {
    const tables = databases.get(db)
    if (tables === undefined) return plain(404, JSON.stringify({ error: `query error: database not found: ${db}` }))
    if (!/^SELECT /.test(q))
      return plain(400, `SQL error: ParserError("Expected: an SQL statement, found: ${q} at Line: 1, Column: 1")`)
    const rowsOf = (rows: readonly object[]) => ({
      status: 200,
      type: 'application/jsonl',
      body: rows.map(row => `${jsonl(row)}\n`).join(''),
    })
    const [, described] = /FROM information_schema\.columns WHERE table_name = '((?:[^']|'')*)'$/.exec(q) ?? []
    if (described !== undefined) {
      const types = {
        tag: 'Dictionary(Int32, Utf8)',
        float: 'Float64',
        string: 'Utf8',
        boolean: 'Boolean',
        integer: 'Int64',
      }
      const table = tables.get(described.replaceAll("''", "'"))
      if (table === undefined) return rowsOf([])
      const columns = [...table.columns].map(([column_name, type]) => ({ column_name, data_type: types[type] }))
      const all = [...columns, { column_name: 'time', data_type: 'Timestamp(ns)' }]
      return rowsOf(all.sort((a, b) => (a.column_name < b.column_name ? -1 : 1)))
    }
    if (/FROM information_schema\.tables/.test(q))
      return rowsOf([...tables.keys()].sort().map(table_name => ({ table_name })))
    if (/FROM system\.parquet_files/.test(q)) return rowsOf([{ files: 0n }])
    const [, quoted, bare = ''] = /FROM (?:"((?:[^"]|"")*)"|(\w+))/.exec(q) ?? []
    const name = quoted?.replaceAll('""', '"') ?? bare
    const table = tables.get(name)
    if (table === undefined) return plain(400, `Error during planning: table 'public.iox.${name}' not found`)
    const columns = [...table.columns.keys()]
    const [, wanted = ''] = /^SELECT (.*?) FROM/s.exec(q) ?? []
    const asked = [...q.matchAll(/"((?:[^"]|"")*)" (?:=|IS)/g)].map(([, it]) => it!.replaceAll('""', '"'))
    const unknown = [...asked, ...(/^\w+$/.test(wanted) ? [wanted] : [])].find(
      it => !columns.includes(it) && it !== 'time',
    )
    if (unknown !== undefined)
      return plain(
        500,
        `Schema error: No field named ${unknown}. Valid fields are ${[...columns, 'time']
          .sort()
          .map(it => `${name}.${it}`)
          .join(', ')}.`,
      )
    const after = BigInt(/time > to_timestamp_nanos\((-?\d+)\)/.exec(q)?.[1] ?? -(2n ** 63n))
    const until = BigInt(/time <= to_timestamp_nanos\((-?\d+)\)/.exec(q)?.[1] ?? 2n ** 63n)
    let rows = [...table.rows.values()].filter(({ ns }) => ns > after && ns <= until && ns >= kept(db))
    if (rows.length > self.fileLimit)
      return plain(
        500,
        'External error: Query would scan 432 Parquet files, exceeding the file limit. InfluxDB 3 Core caps file access to prevent performance degradation and memory issues.',
      )
    for (const [, group = ''] of q.matchAll(/\((("[^()]*?" = \$p\d+)( OR "[^()]*?" = \$p\d+)*)\)/g)) {
      const equal = [...group.matchAll(/"((?:[^"]|"")*)" = \$(p\d+)/g)]
      rows = rows.filter(({ tags }) =>
        equal.some(([, key = '', it = '']) => tags[key.replaceAll('""', '"')] === params[it]),
      )
    }
    for (const [, key = ''] of q.matchAll(/"((?:[^"]|"")*)" IS NULL/g))
      rows = rows.filter(({ tags }) => !(key.replaceAll('""', '"') in tags))
    rows.sort((a, b) => (a.ns < b.ns ? -1 : 1))
    if (!q.includes('count(*)')) {
      const limit = Number(/ LIMIT (\d+)$/.exec(q)?.[1] ?? Number.POSITIVE_INFINITY)
      if (/ORDER BY device, time/.test(q)) rows.sort((a, b) => (a.tags['device']! < b.tags['device']! ? -1 : 1))
      return rowsOf(rows.slice(0, limit).map(({ tags, ns, fields }) => ({ ...tags, ...fields, time: ns })))
    }
    const [, names = '', alias = 'count(*)'] = /^SELECT (.*), count\(\*\)(?: AS (\w+))? FROM/.exec(q) ?? []
    const grouped = [...names.matchAll(/"((?:[^"]|"")*)"|(\w+)/g)].map(
      ([, it, plainName]) => it?.replaceAll('""', '"') ?? plainName!,
    )
    const counts = new Map<string, number>()
    for (const { tags } of rows) {
      const key = JSON.stringify(grouped.flatMap(name => (name in tags ? [[name, tags[name]]] : [])))
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    const found = [...counts].map(([key, n]) => ({ ...Object.fromEntries(JSON.parse(key)), [alias]: BigInt(n) }))
    return rowsOf(
      /ORDER BY/.test(q) ? found.sort((a, b) => (String(a[grouped[0]!]) < String(b[grouped[0]!]) ? -1 : 1)) : found,
    )
  }

  function influxql(db: string, q: string): Answer {
    const result = (it: object) => json(200, { results: [{ statement_id: 0, ...it }] })
    if (/^CREATE DATABASE/.test(q))
      return result({ error: 'datafusion error: This feature is not implemented: CREATE DATABASE' })
    if (/^SELEC$/.test(q))
      return result({
        error: `error in InfluxQL statement: parsing error: invalid InfluxQL statement at pos 0. Parsing Error: Nom("${q}", Tag)`,
      })
    if (!databases.has(db))
      return result({ error: `Cannot retrieve database: External error: database not found: ${db}` })
    if (!/^SHOW RETENTION POLICIES/.test(q)) return result({})
    const hours = (retentions.get(db) ?? 0) / 3_600_000
    const columns = ['name', 'duration', 'default']
    return result({
      series: [{ name: 'retention_policies', columns, values: [[db, hours === 0 ? '0s' : `${hours}h0m0s`, true]] }],
    })
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
