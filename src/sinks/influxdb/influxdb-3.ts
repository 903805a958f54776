import { z } from 'zod'
import { sinkFailure } from '../failures.ts'
import { measurementName } from '../line-protocol/names.ts'
import { headerText, parseAnswer, type QueryContext } from './query.ts'
import { sqlRows } from './sql.ts'
import { messageIn, statusFailure } from './write-response.ts'

const databases = z.array(z.object({ 'iox::database': z.string() }))

/** Throws a Failure where the database does not exist: InfluxDB 3 would make it, whatever its name, with the first write. */
export async function askDatabase({ query, endpoint, signal }: QueryContext): Promise<void> {
  const { name, label } = endpoint
  const answer = await query({ method: 'GET', path: '/api/v3/configure/database?format=json' }, signal)
  // an edition that does not list its databases refuses the write to one that is not there
  if (answer.status === 404) return
  if (answer.status >= 500) throw sinkFailure('sink-busy', `${label} is busy: ${messageIn(answer.status, answer.body)}`)
  if (answer.status !== 200) throw statusFailure(endpoint, answer.status, messageIn(answer.status, answer.body))
  const names = parseAnswer(databases, endpoint, answer).map(it => it['iox::database'])
  if (names.includes(name)) return
  const others = names.filter(it => it !== '_internal')
  throw sinkFailure('sink-missing', `${label}: there is no database ${name}`, {
    advice: `Create it (influxdb3 create database ${name})${others.length === 0 ? '' : `, or use one of ${others.join(', ')}`}. Where it existed before, run "verify --heal" afterwards.`,
  })
}

/**
 * `clusterUuid` is another where the data folder is; `database` and `tables` where they were made anew; `wal` is smaller
 * where an older copy was put back. What is in no file yet is in none of them.
 */
export async function databaseIdentity(context: QueryContext): Promise<Readonly<Record<string, string>>> {
  const { query, signal, measurements } = context
  const uuid = headerText(await query({ method: 'GET', path: '/ping' }, signal), 'cluster-uuid')
  const identity: Record<string, string> = uuid === undefined ? {} : { clusterUuid: uuid }
  const tables: string[] = []
  let wal = 0
  for (const measurement of measurements) {
    const table = measurementName(measurement).replaceAll("'", "''")
    const [row] = await sqlRows(
      context,
      `SELECT max(split_part(path,'/',3)) AS db, max(split_part(path,'/',4)) AS tbl, max(split_part(path,'/',7)) AS wal, count(*) AS files FROM system.parquet_files WHERE table_name='${table}'`,
      'files',
    )
    if (row === undefined || Number(row['files']) === 0) continue
    identity['database'] = String(Number(row['db']))
    tables.push(`${measurement}=${Number(row['tbl'])}`)
    wal = Math.max(wal, Number.parseInt(String(row['wal']), 10))
  }
  return wal === 0 ? identity : { ...identity, tables: tables.join(', '), wal: String(wal) }
}
