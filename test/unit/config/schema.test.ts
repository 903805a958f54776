import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { schemaText } from '../../../scripts/schema.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { load } from './config-folder.ts'

const config = join(import.meta.dirname, '../../../config')
const example = readFileSync(join(config, 'example.yaml'), 'utf8')
const env = { PLANT_A_USER: 'user', PLANT_A_PASSWORD: 'pass', INFLUX_TOKEN: 'token', INFLUX_PASSWORD: 'pass' }

test('the JSON schema for editors is the one that the options give (npm run schema makes it anew)', () => {
  expect(readFileSync(join(config, 'smartserver-etl.schema.json'), 'utf8')).toBe(schemaText())
})

test('every option of the JSON schema is described', () => {
  const bare: string[] = []
  const look = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties')
        for (const [name, option] of Object.entries(value as object))
          if (!('description' in option)) bare.push(`${path}.${name}`)
      look(value, `${path}.${key}`)
    }
  }
  look(JSON.parse(schemaText()), '')
  expect(bare).toEqual([])
})

test('the example is right, and passes the schema that editors use', () => {
  expect(loadConfig(join(config, 'example.yaml'), env).gateways[0]).toMatchObject({
    username: 'user',
    password: 'pass',
  })
  expect(example.split('\n')[0]).toBe('# yaml-language-server: $schema=./smartserver-etl.schema.json')
  expect(z.fromJSONSchema(JSON.parse(schemaText())).safeParse(parse(example)).error).toBeUndefined()
})

test('the example shows every default as it is', () => {
  const minimal = 'gateways: { a: { url: "https://a", username: u, password: p, datapoints: [a/b/0/c] } }'
  const shown = loadConfig(join(config, 'example.yaml'), env)
  const standard = load(minimal)
  expect({ requests: shown.requests, sync: shown.sync }).toEqual({ requests: standard.requests, sync: standard.sync })
  expect(shown.deadLetters.maxSize).toBe(standard.deadLetters.maxSize)
  expect(shown.gateways[0]?.limits).toEqual(standard.gateways[0]?.limits)
  expect(shown.gateways[0]?.idleTimeout).toBe(standard.gateways[0]?.idleTimeout)
  expect(shown.sink).toMatchObject({ path: expect.stringMatching(/\/data\/points\.db$/) })
})

test('the lines that the example offers instead of its own are right too', () => {
  const offers = [...example.matchAll(/^ *# (influxdb: .*)$/gm)].map(([, line]) => line)
  expect(offers).toHaveLength(2)
  for (const offer of offers)
    expect(load(example.replace('sqlite: { path: data/points.db }', String(offer)), env).sink.kind).toBe('influxdb')
})
