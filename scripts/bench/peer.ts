import { once } from 'node:events'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SimulatorOptions } from '../../src/simulator/options.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'

export interface PeerInput {
  readonly gateway: SimulatorOptions
  /** An InfluxDB 1.x and its database that writes are passed on to; none: every write is answered 204. */
  readonly influxdb?: { readonly url: string; readonly database: string }
}

export interface PeerOutput {
  readonly gateway: { readonly url: string; readonly fingerprint256: string }
  readonly datapoints: readonly string[]
  readonly databaseUrl: string
}

/*
 * The gateway and the database in a process of their own, so that the CPU they take is not counted. The official
 * client's WriteApi knows the path of 2.x only: here it leads to a 1.x for both sides alike.
 */
const { gateway: options, influxdb } = JSON.parse(process.argv[2] ?? '') as PeerInput
const gateway = await startSimulator(options)
const database = createServer((request, response) => {
  if (request.method !== 'POST') response.writeHead(204, { 'x-influxdb-version': 'v2.7.0' }).end()
  else if (influxdb === undefined) swallow(request, response)
  else passOn(request, response, influxdb)
}).listen(0, '127.0.0.1')
await once(database, 'listening')

const output: PeerOutput = {
  gateway: { url: gateway.url, fingerprint256: gateway.fingerprint256 },
  datapoints: gateway.history.datapoints.map(
    ({ device, block, index, name, xif }) => `${device}/${block}/${index}/${name ?? xif}`,
  ),
  databaseUrl: `http://127.0.0.1:${(database.address() as AddressInfo).port}`,
}
console.log(JSON.stringify(output))

function swallow(request: IncomingMessage, response: ServerResponse): void {
  request.resume().once('end', () => response.writeHead(204).end())
}

function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  { url, database }: NonNullable<PeerInput['influxdb']>,
): void {
  const { 'content-encoding': encoding } = request.headers
  const onward = forward(
    `${url}/write?db=${database}&precision=ns`,
    { method: 'POST', headers: encoding === undefined ? {} : { 'content-encoding': encoding } },
    answer => {
      response.writeHead(answer.statusCode ?? 500)
      answer.pipe(response)
    },
  )
  onward.once('error', () => response.destroy())
  request.pipe(onward)
}
