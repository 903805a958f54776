import { request } from 'node:https'
import { InfluxDB, Point } from '@influxdata/influxdb-client'
import WebSocket from 'ws'
import type { ClientInput, ClientOutput } from './ours.ts'

/*
 * What a user would write in an afternoon: ws, JSON.parse, and the official client's Point and WriteApi with its
 * default options. It does not care whether anything is lost; it is here for its CPU.
 */
const { peer, path } = JSON.parse(process.argv[2] ?? '') as ClientInput

const before = process.cpuUsage()
const cookie = await login()
const writeApi = new InfluxDB({ url: peer.databaseUrl, token: 'secret' }).getWriteApi('site', 'bench')
let entries = 0
await new Promise<void>((resolve, reject) => {
  const socket = new WebSocket(peer.gateway.url.replace('https:', 'wss:') + path, {
    headers: { cookie },
    rejectUnauthorized: false,
  })
  socket.on('error', reject)
  socket.on('close', () => resolve())
  socket.on('message', data => {
    const entry = JSON.parse(data.toString())
    if (entry === 'end') return
    const point = new Point('datalog')
      .tag('gateway', 'g')
      .tag('device', entry.deviceName)
      .tag('block', entry.blockName)
      .tag('index', String(entry.blockIndex))
      .tag('datapoint', entry.name)
      .timestamp(new Date(entry.utc.replace('[UTC]', '')))
    if (typeof entry.value === 'number') point.floatField('value', entry.value)
    else if (typeof entry.value === 'string') point.stringField('text', entry.value)
    else for (const [name, value] of Object.entries(entry.value)) point.floatField(name, value)
    writeApi.writePoint(point)
    entries++
  })
})
await writeApi.close()
// close() returns before everything is sent: what comes after it belongs to the work
process.once('exit', () => {
  const { user, system } = process.cpuUsage(before)
  const output: ClientOutput = { entries, cpu: (user + system) / 1e6 }
  console.log(JSON.stringify(output))
})

function login(): Promise<string> {
  return new Promise((resolve, reject) => {
    const login = request(
      `${peer.gateway.url}/iap/auth/login`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, rejectUnauthorized: false },
      answer => {
        answer.resume()
        resolve((answer.headers['set-cookie'] ?? []).map(it => it.split(';')[0]).join('; '))
      },
    )
    login.on('error', reject)
    login.end(JSON.stringify({ username: 'etl', password: 'secret' }))
  })
}
