import { afterAll, beforeAll, expect, it } from 'vitest'
import { type InfluxDb2, openInfluxDb2 } from '../../support/influxdb-2.ts'
import { type Exchange, recordedExchanges } from '../../support/recordings.ts'

/** Bodies that are recorded in short. */
const inFull: Readonly<Record<string, string>> = {
  'm,device=xxx… (66,000 x) value=1': `m,device=${'x'.repeat(66_000)} value=1`,
}
const isInShort = /…$/
/** Flux and the times of a start: the sink asks for neither. */
const notOfTheSink = /^\/(api\/v2\/query\?|ready$)/

let server: InfluxDb2
beforeAll(async () => {
  server = await openInfluxDb2()
  // the moment of the recording's write that was too old
  server.now = () => BigInt(Date.parse('2026-11-28T07:59:32Z')) * 1_000_000n + 16_598_615n
  await server.createBucket('lab', {
    id: 'BUCKET_ID_000001',
    createdAt: '2026-11-28T07:59:31.883184882Z',
    updatedAt: '2026-11-28T07:59:31.883184983Z',
  })
  await server.createBucket('short', {
    id: 'BUCKET_ID_short_',
    retentionSeconds: 864_000,
    createdAt: '2026-11-28T07:59:31.89145858Z',
    updatedAt: '2026-11-28T07:59:31.89145869Z',
  })
  server.grant('admin-token', { read: 'all', write: 'all' })
  server.grant('token-rw', { read: ['lab', 'short'], write: ['lab', 'short'] })
  server.grant('token-read-only', { read: ['lab', 'short'], write: [] })
  server.grant('token-write-only', { read: [], write: ['lab', 'short'] })
  server.grant('token-of-other-bucket', { read: ['short'], write: ['short'] })
})
afterAll(() => server.close())

const exchanges = recordedExchanges('influxdb-2').filter(({ request }) => !notOfTheSink.test(request.path))

it.each(
  exchanges.map(exchange => [exchange.title, exchange] as const),
)('the stand-in of InfluxDB 2 answers as the real one: %s', async (title, { request, response }) => {
  await prepare(title)
  const { body = '' } = request
  const answer = await server.answer({ ...request, body: inFull[body] ?? body })
  expect(comparable(answer, response.body)).toEqual({
    status: response.status,
    body: response.body,
    type: response.headers['content-type'],
    code: response.headers['x-platform-error-code'],
  })
})

/** A recorded body that ends in … was cut. */
function comparable(answer: Awaited<ReturnType<InfluxDb2['answer']>>, recorded: Exchange['response']['body']) {
  const { status, type, code, body } = answer
  return {
    status,
    type,
    code,
    body: isInShort.test(recorded) ? `${body.slice(0, recorded.length - 1)}…` : body,
  }
}

/** What was done to the real server between two recorded exchanges. */
async function prepare(title: string): Promise<void> {
  if (title === 'write: the bucket was deleted') await server.deleteBucket('lab')
  if (title === 'buckets by name: made anew (another id)')
    await server.createBucket('lab', {
      id: 'BUCKET_ID_000002',
      createdAt: '2026-11-28T07:59:32.200260021Z',
      updatedAt: '2026-11-28T07:59:32.200260131Z',
    })
  if (title !== 'InfluxQL: SHOW RETENTION POLICIES') return
  const lines = [
    'n,device=a text="a\nb" 1764547200000000000',
    'n,device=a text="" 1764547260000000000',
    'n,device=a text="c\r\nd" 1764547320000000000',
    'n,device=a text="q\\"uo,te" 1764547380000000000',
    'n,device=a text="both",value=1.5 1764547440000000000',
    'n,device=a,extra=x value=7 1764547500000000000',
    'n,device=b on=T 1764547200000000000',
  ]
  const path = '/api/v2/write?org=site&bucket=lab&precision=ns'
  const { status } = await server.answer({ method: 'POST', path, token: 'token-rw', body: lines.join('\n') })
  expect(status).toBe(204)
}
