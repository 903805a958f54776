import { DatabaseSync } from 'node:sqlite'
import type { Influxd } from './influxd.ts'
import { type Cell, cell } from './truth.ts'
import type { VictoriaMetrics } from './victoria-metrics.ts'

/** Everything in the embedded database. */
export function cellsOfSqlite(path: string): Cell[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database
    .prepare('SELECT device, block, "index", datapoint, field, CAST(time_ns AS TEXT) AS ns, number, text FROM datalog')
    .all() as Record<string, string | number | null>[]
  database.close()
  return rows
    .map(row => {
      const place = {
        device: String(row['device']),
        block: String(row['block']),
        index: String(row['index']),
        datapoint: String(row['datapoint']),
      }
      return cell(place, String(row['field']), String(row['ns']), row['number'] ?? String(row['text']))
    })
    .sort()
}

/** Everything in measurement `datalog`, read as text: JSON numbers would lose the last digits of nanoseconds. */
export async function cellsOfInfluxd(influxd: Influxd, database: string): Promise<Cell[]> {
  const answer = await influxd.queryText(
    'SELECT * FROM datalog GROUP BY gateway, device, block, "index", datapoint',
    database,
  )
  const exact = JSON.parse(answer.replace(/\[(\d{16,}),/g, '["$1",')) as {
    results: { series?: { tags: Record<string, string>; columns: string[]; values: (string | number | null)[][] }[] }[]
  }
  const cells: Cell[] = []
  for (const { tags, columns, values } of exact.results[0]?.series ?? []) {
    const place = {
      device: tags['device']!,
      block: tags['block']!,
      index: tags['index']!,
      datapoint: tags['datapoint']!,
    }
    for (const [time, ...row] of values)
      for (const [i, value] of row.entries())
        if (value !== null) cells.push(cell(place, columns[i + 1]!, String(time), value))
  }
  return cells.sort()
}

/** Everything of measurement `datalog`; VictoriaMetrics keeps milliseconds. */
export async function cellsOfVictoriaMetrics(server: VictoriaMetrics): Promise<Cell[]> {
  const cells: Cell[] = []
  for (const { metric, values, timestamps } of await server.export('{__name__=~"datalog_.*"}')) {
    const place = {
      device: metric['device']!,
      block: metric['block']!,
      index: metric['index']!,
      datapoint: metric['datapoint']!,
    }
    const field = metric['__name__']!.slice('datalog_'.length)
    for (const [i, ms] of timestamps.entries()) cells.push(cell(place, field, `${ms}000000`, values[i]!))
  }
  return cells.sort()
}
