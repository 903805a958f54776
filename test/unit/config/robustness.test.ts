import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { ConfigError } from '../../../src/config/problem.ts'
import { runs } from '../../support/runs.ts'
import { load, loadError } from './config-folder.ts'

const right = {
  gateways: {
    a: {
      url: 'https://192.0.2.10',
      username: 'u',
      password: { file: 'secret' },
      tls: { verify: false },
      limits: { sockets: 1, pause: '1s' },
      datapoints: ['a/b/0/c', { device: { id: 5, as: 'x' }, datapoint: { xif: 'y' }, tags: { z: 'w' } }],
    },
  },
  sink: { influxdb: { version: 1, url: 'http://db', database: 'd' } },
  ledger: 'data/ledger.db',
  requests: { shortest: '1m', longest: '1d' },
  sync: { settle: '1m', lateness: '1h' },
}

type Tree = { [key: string]: unknown }

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  const inside = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return [[...path], ...inside.flatMap(([key, item]) => pathsOf(item, [...path, key]))]
}

function replaced(tree: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  if (Array.isArray(tree)) return tree.map((item, i) => (String(i) === key ? replaced(item, rest, value) : item))
  return { ...(tree as Tree), [key]: replaced((tree as Tree)[key], rest, value) }
}

const strange = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    null,
    '',
    [],
    {},
    [null],
    { file: null },
    { constructor: 1 },
    { __proto__: 1 },
    { ['__proto__']: 1 },
    { selector: { device: 'x' }, block: 7 },
    1e300,
    -0,
    '*',
  ),
)

test('whatever stands anywhere in a config, it is loaded or its mistakes are shown at a line', () => {
  expect(load(stringify(right), {}, { secret: 'p' }).sink.kind).toBe('influxdb')
  fc.assert(
    fc.property(fc.constantFrom(...pathsOf(right)), strange, (path, value) => {
      try {
        load(stringify(replaced(right, path, value)), {}, { secret: 'p' })
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        expect(error.problems.length).toBeGreaterThan(0)
        for (const { line, column, message } of error.problems) {
          expect(line).toBeGreaterThan(0)
          expect(column).toBeGreaterThan(0)
          expect(message).not.toMatch(/Invalid input|undefined|object Object/)
        }
      }
    }),
    { numRuns: runs(1000) },
  )
})

const pieces = [
  ...'ab:-{}[]*&!|>\'"#%@`$ \n\t,?~',
  ...['${', 'gateways:', '\r\n', '\r', '\u00a0', '\u200b', '\ufeff', '\u0000', '“', '–', '\ufffd', '\u2028', '😀'],
  ...['<<: *a', '&a', '*a', '!!int 1', '!x', '%YAML 1.1\n---\n', '---\n', '...\n', '0x1', '017', '2,5', '.nan', 'null'],
  ...['password: ', 'datapoints:\n', '  - ', '? ', ': ', ' #x', '|-\n', '>+2\n', '"\\x', "''"],
]

test('any text is a config or is not, and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...pieces) }), text => {
      const [first, ...rest] = loadError(text).split('\n')
      expect(first).toMatch(/^c\.yaml:[1-9]\d*:[1-9]\d*: ./)
      expect(rest.join()).not.toMatch(/Maximum call stack|object Object/)
    }),
    { numRuns: runs(2000) },
  )
})

test('any bytes too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      expect(() => load(Buffer.from(bytes))).toThrow(ConfigError)
    }),
    { numRuns: runs(500) },
  )
})
