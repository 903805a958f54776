import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { runMeasured } from '../support/peak-memory.ts'
import { openSite } from '../support/program.ts'
import { openWriteServer, type Reply } from '../support/write-server.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const it of open.splice(0)) await it.close()
})

/** Unpacked a gigabyte. */
const bomb = Buffer.concat(Array.from({ length: 100 }, () => gzipSync(Buffer.alloc(10_000_000, '['))))
const gzip = { 'content-encoding': 'gzip' }
const ping = { '/ping': { status: 204, headers: { 'x-influxdb-version': '1.6.7' } } }

const attacks: Readonly<Record<string, Readonly<Record<string, Reply>>>> = {
  'a gzip bomb for a ping': { '/ping': { status: 200, headers: gzip, body: bomb } },
  'a gzip bomb for a query': { ...ping, '/query': { status: 200, headers: gzip, body: bomb } },
  'a gzip bomb as an error': { ...ping, '/query': { status: 500, headers: gzip, body: bomb } },
  'an answer of hundreds of megabytes': { ...ping, '/query': { status: 200, body: Buffer.alloc(300_000_000, ' ') } },
  'millions of empty values': {
    ...ping,
    '/query': { status: 200, body: `{"results":[${'{},'.repeat(4_000_000)}{}]}` },
  },
  'as many values as are read': {
    ...ping,
    '/query': { status: 200, body: `{"results":[${'{},'.repeat(999_000)}{}]}` },
  },
  'what is nested for ever': { ...ping, '/query': { status: 200, body: '['.repeat(900_000) } },
  'a compression that nobody asked for': {
    ...ping,
    '/query': { status: 200, headers: { 'content-encoding': 'br' }, body: bomb },
  },
}

test.each(Object.entries(attacks))(
  '%s takes no memory, and is told as a failure of the database',
  async (_, answers) => {
    const server = await openWriteServer({ answers })
    open.push(server)
    const site = await openSite({
      gateways: { g: { url: 'https://127.0.0.1:9', username: 'u', password: 'p', datapoints: ['Sensor 1/*/*/*'] } },
      sink: { influxdb: { version: 1, url: server.url, database: 'site' } },
    })
    open.push({ close: () => site.remove() })
    const { code, stdout, stderr, peakMiB } = await runMeasured(['check', '--config', site.file])
    expect(code).not.toBe(0)
    expect(`${stdout}${stderr}`).toContain(server.url)
    expect(`${stdout}${stderr}`).not.toMatch(/this is a bug/i)
    expect(peakMiB).toBeLessThan(300)
  },
  60_000,
)
