import { z } from 'zod'
import { sinkFailure } from '../failures.ts'
import { headerText, parseAnswer, type QueryContext } from './query.ts'
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
    advice: `Create it (influxdb3 create database ${name})${others.length === 0 ? '' : `, or use one of ${others.join(', ')}`}. Where it existed before, what was complete is fetched again.`,
  })
}

/** Another one where the data folder is another. */
export async function clusterIdentity({ query, signal }: QueryContext): Promise<Readonly<Record<string, string>>> {
  const clusterUuid = headerText(await query({ method: 'GET', path: '/ping' }, signal), 'cluster-uuid')
  return clusterUuid === undefined ? {} : { clusterUuid }
}
