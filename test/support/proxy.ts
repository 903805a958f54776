import { once } from 'node:events'
import { createServer, request as forward } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface Proxy {
  readonly url: string
  /** `host:port` of each request or tunnel. */
  readonly visits: readonly string[]
  close(): Promise<void>
}

/** A web proxy: passes on what is asked for in plain, and makes tunnels for the rest. */
export async function openProxy(): Promise<Proxy> {
  const visits: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    const { host } = new URL(request.url ?? '')
    visits.push(host)
    const { method = 'GET', headers } = request
    const onward = forward(request.url ?? '', { method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.on('connect', (request, client: Socket) => {
    visits.push(request.url ?? '')
    const [host = '', port] = (request.url ?? '').split(':')
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.pipe(client).pipe(target)
    })
    for (const socket of [client, target]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return {
    url: `http://127.0.0.1:${address.port}`,
    visits,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
