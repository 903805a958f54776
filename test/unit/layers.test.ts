import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** What each folder of src may import, besides itself and packages. ARCHITECTURE.md explains the order. */
const mayImport: Record<string, readonly string[]> = {
  domain: [],
  durable: ['domain'],
  config: ['domain'],
  planning: ['domain', 'config'],
  smartserver: ['domain', 'config'],
  points: ['domain', 'config'],
  sinks: ['domain', 'config', 'durable'],
  ledger: ['domain', 'config', 'durable'],
  inventory: ['domain', 'config', 'smartserver'],
  entries: ['domain', 'config', 'smartserver', 'points', 'sinks', 'ledger'],
  'dead-letters': ['domain', 'config', 'durable', 'smartserver', 'points', 'sinks', 'ledger', 'entries'],
  pipeline: [
    ...['domain', 'config', 'durable', 'planning', 'smartserver', 'points', 'sinks', 'ledger'],
    ...['inventory', 'entries', 'dead-letters'],
  ],
  verification: [
    ...['domain', 'config', 'planning', 'smartserver', 'points', 'sinks', 'ledger'],
    ...['inventory', 'entries', 'dead-letters', 'pipeline'],
  ],
  simulator: ['domain'],
}

const source = resolve(import.meta.dirname, '../../src')

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))
}

test.each(Object.keys(mayImport))('src/%s imports only what lies below it', folder => {
  const wrong: string[] = []
  for (const file of filesOf(join(source, folder)))
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)) {
      const target = relative(source, resolve(dirname(file), path!)).split('/')[0]!
      if (target !== folder && !mayImport[folder]!.includes(target)) wrong.push(`${relative(source, file)} → ${path}`)
    }
  expect(wrong).toEqual([])
})
