import { expect, test } from 'vitest'
import { load } from './config-folder.ts'

test('a bundle is a sink too', () => {
  expect(load(`${minimal}\nsink: { bundle: { path: /media/stick } }`).sink).toEqual({
    kind: 'bundle',
    path: '/media/stick',
  })
  expect(() => load(`${minimal}\nsink: { bundle: {} }`)).toThrow(/"path" is missing/)
})

const minimal = 'gateways: { a: { url: "https://a", username: u, password: p, datapoints: [a/b/0/c] } }'
test('the file of SQLite has a mode as in chmod, and its owner can always write', () => {
  const mode = (text: string) => load(`${minimal}\nsink: { sqlite: { mode: ${text} } }`).sink
  for (const text of ['"0640"', '"640"', '640']) expect(mode(text)).toMatchObject({ mode: 0o640 })
  for (const text of ['0640', '0o640', '416', '"0440"', '"rw-r-----"', '"01640"'])
    expect(() => mode(text)).toThrow(/in quotes/)
})

const influxdb = (options: string) => load(`${minimal}\nsink: { influxdb: { url: "http://db", ${options} } }`).sink

test('InfluxDB 3 needs a database and a token, and nothing of the other versions', () => {
  expect(influxdb('version: 3, database: lab, token: t')).toMatchObject({ version: 3, database: 'lab', token: 't' })
  expect(() => influxdb('version: 3')).toThrow(/"database" is missing/)
  expect(() => influxdb('version: 3, database: lab, org: o')).toThrow(/belongs to version: 2/)
  for (const name of ['my.bucket', '_lab', 'süd', 'a b', 'x'.repeat(65)])
    expect(() => influxdb(`version: 3, database: "${name}"`)).toThrow(/InfluxDB 3 takes names/)
})

test('VictoriaMetrics needs its URL alone', () => {
  expect(influxdb('server: victoria-metrics')).toMatchObject({ version: 2, server: 'victoria-metrics' })
  expect(influxdb('server: victoria-metrics, username: u, password: p')).toMatchObject({ username: 'u' })
  expect(() => influxdb('version: 2')).toThrow(/"org" is missing/)
})
