import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const source = join(root, 'src')

/** What each folder and file at the top of src may import, besides itself and packages: the table in ARCHITECTURE.md. */
const mayImport = layersOf(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))

function layersOf(page: string): ReadonlyMap<string, ReadonlySet<string>> {
  const section = page.split(/^## /m).find(text => text.startsWith('Layers\n')) ?? ''
  const rows = [...section.matchAll(/^\| `([^`]+)` \|.*\| ([^|]*) \|$/gm)].map(([, name, imports]) => ({
    name: name!,
    named: [...imports!.matchAll(/`([^`]+)`/g)].map(([, layer]) => layer!),
    isAll: imports!.startsWith('all'),
  }))
  const all = rows.map(row => row.name)
  return new Map(
    rows.map(({ name, named, isAll }) => [name, new Set(isAll ? all.filter(layer => !named.includes(layer)) : named)]),
  )
}

function filesOf(layer: string): string[] {
  if (layer.endsWith('.ts')) return [join(source, layer)]
  return readdirSync(join(source, layer), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(source, layer, name))
}

const layers = readdirSync(source).toSorted()

test('ARCHITECTURE.md has a row for every folder and file at the top of src', () => {
  expect([...mayImport.keys()]).toEqual(expect.arrayContaining(layers))
})

test.each(layers)('src/%s imports only what its row in ARCHITECTURE.md allows', layer => {
  const wrong: string[] = []
  for (const file of filesOf(layer))
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)) {
      const target = relative(source, resolve(dirname(file), path!)).split('/')[0]!
      if (target !== layer && !mayImport.get(layer)?.has(target)) wrong.push(`${relative(source, file)} → ${path}`)
    }
  expect(wrong).toEqual([])
})
