import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const source = resolve(import.meta.dirname, '../../src')

/**
 * Every way out to people and their programs. Texts of gateways, databases and files come to each of them, and
 * `visible` stands in front of the first two; a new way out needs such a fence before it is added here.
 */
const waysOut: Readonly<Record<string, readonly string[]>> = {
  // both streams and the log pass the terminal (test/unit/cli/terminal.test.ts, test/integration/outside-text.test.ts)
  'process\\.std(out|err)(?!\\.(on|columns)\\b)|\\bconsole\\.|writeSync\\([12],': ['main.ts'],
  'new PinoPretty|PinoPretty\\(|[^.]\\bpino\\(': ['cli/log.ts'],
  // labels are gateways of the configuration, which takes plain names alone, and words of ours
  'new (Counter|Gauge|Histogram|Summary)\\b': ['service/metrics.ts'],
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))

test.each(Object.entries(waysOut))('what matches %s is in %j alone', (pattern, own) => {
  const found = files.filter(file => new RegExp(pattern).test(readFileSync(join(source, file), 'utf8')))
  expect(found).toEqual(own)
})
