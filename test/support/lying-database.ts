import { once } from 'node:events'
import { createServer, request as forward } from 'node:http'

export interface LyingDatabase {
  readonly url: string
  /** Queries that it was asked. */
  readonly queries: readonly string[]
  /** False: it keeps what it acknowledges. */
  lies: boolean
  close(): Promise<void>
}

/** In front of a database: acknowledges what is written and keeps nothing; all else is the database's own answer. */
export async function openLyingDatabase(database: string): Promise<LyingDatabase> {
  const queries: string[] = []
  const server = createServer((request, response) => {
    const { method = 'GET', headers, url: path = '/' } = request
    const url = new URL(path, database)
    if (url.pathname === '/query') queries.push(url.searchParams.get('q') ?? '')
    if (state.lies && url.pathname === '/write' && method === 'POST') {
      request.resume().on('end', () => response.writeHead(204).end())
      return
    }
    const onward = forward(url, { method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  const state = {
    url: `http://127.0.0.1:${address.port}`,
    queries,
    lies: true,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return state
}
