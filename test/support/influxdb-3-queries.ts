import { jsonl } from './jsonl.ts'

export interface StoredRow {
  readonly tags: Readonly<Record<string, string>>
  readonly ns: bigint
  fields: Record<string, number | string | boolean>
}

export interface Table {
  readonly columns: Map<string, 'tag' | 'float' | 'string' | 'boolean' | 'integer'>
  readonly rows: Map<string, StoredRow>
}

export interface Answer {
  readonly status: number
  readonly body: string
  readonly type?: string
}

export interface Store {
  readonly databases: ReadonlyMap<string, ReadonlyMap<string, Table>>
  readonly retentions: ReadonlyMap<string, number>
  /** More points than this in a query are more Parquet files than it may read. */
  fileLimit: number
}

interface SqlQuery {
  readonly db: string
  readonly q: string
  readonly params?: Readonly<Record<string, string>>
}

export const json = (status: number, body: unknown): Answer => ({
  status,
  body: JSON.stringify(body),
  type: 'application/json',
})

export const plain = (status: number, body: string): Answer => ({ status, body })

function tooManyFiles(n: number): string {
  return `External error: Query would scan ${n} Parquet files, exceeding the file limit. InfluxDB 3 Core caps file access to prevent performance degradation and memory issues. Use a narrower time range, or increase the limit with --query-file-limit (this may cause slower queries or instability).

To remove this limitation, upgrade to InfluxDB 3 Enterprise, which automatically compacts files for efficient querying across any time range. Free for non-commercial and home use, and free trials for commercial evaluation: https://www.influxdata.com/downloads`
}

function kept({ retentions }: Store, db: string): bigint {
  const retentionMs = retentions.get(db)
  return retentionMs === undefined ? -(2n ** 63n) : BigInt(Date.now() - retentionMs) * 1_000_000n
}

export function sqlAnswer(server: Store, { db, q, params = {} }: SqlQuery): Answer {
  const tables = server.databases.get(db)
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
  let rows = [...table.rows.values()].filter(({ ns }) => ns > after && ns <= until && ns >= kept(server, db))
  if (rows.length > server.fileLimit) return plain(500, tooManyFiles(server.fileLimit))
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

export function influxqlAnswer({ databases, retentions, fileLimit }: Store, db: string, q: string): Answer {
  const result = (it: object) => json(200, { results: [{ statement_id: 0, ...it }] })
  if (/^CREATE DATABASE/.test(q))
    return result({ error: 'datafusion error: This feature is not implemented: CREATE DATABASE' })
  if (/^SELEC$/.test(q))
    return result({
      error: `error in InfluxQL statement: parsing error: invalid InfluxQL statement at pos 0. Parsing Error: Nom("${q}", Tag)`,
    })
  if (!databases.has(db))
    return result({ error: `Cannot retrieve database: External error: database not found: ${db}` })
  const tables = databases.get(db)!
  const names = (name: string, values: readonly string[]) =>
    result({ series: [{ name, columns: ['name'], values: values.map(it => [it]) }] })
  if (/^SHOW MEASUREMENTS/.test(q)) return names('measurements', [...tables.keys()].sort())
  if (/^SHOW DATABASES/.test(q)) return names('databases', ['_internal', ...databases.keys()])
  const [, keysOf] = /^SHOW FIELD KEYS FROM "(.*)"$/.exec(q) ?? []
  if (keysOf !== undefined) {
    const fields = [...tables.get(keysOf)!.columns].filter(([, type]) => type !== 'tag').sort()
    return result({ series: [{ name: keysOf, columns: ['fieldKey', 'fieldType'], values: fields }] })
  }
  const [, counted] = /^SELECT count\(\*\) FROM (\w+)$/.exec(q) ?? []
  if ((tables.get(counted ?? '')?.rows.size ?? 0) > fileLimit)
    return result({ error: `datafusion error: ${tooManyFiles(fileLimit)}` })
  if (!/^SHOW RETENTION POLICIES/.test(q)) return result({})
  const hours = (retentions.get(db) ?? 0) / 3_600_000
  const columns = ['name', 'duration', 'default']
  return result({
    series: [{ name: 'retention_policies', columns, values: [[db, hours === 0 ? '0s' : `${hours}h0m0s`, true]] }],
  })
}
