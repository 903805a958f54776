import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { configFolder, load } from './config-folder.ts'

const config = ({ password = 'p', gateway = '', sink = '' }) => `gateways:
  g: { url: https://192.0.2.10, username: u, password: ${password}, datapoints: [a/b/0/c]${gateway} }
${sink}`

function warningsOf(text: string, mode: number): readonly string[] {
  using folder = configFolder({ 'c.yaml': text, secret: 'p' })
  chmodSync(join(folder.path, 'c.yaml'), mode)
  return loadConfig(join(folder.path, 'c.yaml'), { SECRET: 'p' }).warnings
}

test('a password in a file that every user can read is warned of, and no other one', () => {
  expect(warningsOf(config({}), 0o644)).toEqual([expect.stringMatching(/^c\.yaml holds a password.*chmod 600/)])
  expect(warningsOf(config({}), 0o640)).toEqual([])
  expect(warningsOf(config({ password: '"${SECRET}"' }), 0o644)).toEqual([])
  expect(warningsOf(config({ password: '{ file: secret }' }), 0o644)).toEqual([])
})

test('a gateway that is not verified is warned of', () => {
  const { warnings } = load(config({ gateway: ', tls: { verify: false }' }))
  expect(warnings).toEqual([expect.stringMatching(/^g: with tls.verify: false .*fingerprint256/)])
})

test.each([
  ['http://db.example:8086', 'token: t', ['token']],
  ['http://192.0.2.1:8086', 'token: t', ['token']],
  ['https://db.example:8086', 'token: t', []],
  ['http://localhost:8086', 'token: t', []],
  ['http://127.0.0.1:8086', 'token: t', []],
  ['"http://[::1]:8086"', 'token: t', []],
])('a secret for the database at %s with %s is warned of where it goes over the network', (url, secret, expected) => {
  const { warnings } = load(config({ sink: `sink: { influxdb: { url: ${url}, org: o, bucket: b, ${secret} } }` }))
  expect(warnings.map(it => /^the (\w+) of the database goes over the network/.exec(it)?.[1])).toEqual(expected)
})

test('a login of InfluxDB 1 is warned of too; none is not', () => {
  const sink = (more: string) => `sink: { influxdb: { version: 1, url: http://db, database: d${more} } }`
  expect(load(config({ sink: sink(', username: u, password: p') })).warnings).toHaveLength(1)
  expect(load(config({ sink: sink('') })).warnings).toEqual([])
})
