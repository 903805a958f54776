import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { tables, troubleshootingPage } from '../../scripts/troubleshooting-page.ts'

const root = resolve(import.meta.dirname, '../..')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => join(root, 'src', name))
const codes = Object.values(tables).flatMap(table => Object.keys(table))

test('every code stands in one table', () => {
  expect(codes.filter((code, place) => codes.indexOf(code) !== place)).toEqual([])
})

test('docs/troubleshooting.md has every table in the source', () => {
  const inSource = sources
    .filter(file => /\bfailures(?:<.*>)?\(\{/.test(readFileSync(file, 'utf8')))
    .map(file => relative(join(root, 'src'), file))
  expect(inSource).toHaveLength(Object.keys(tables).length)
})

test('docs/troubleshooting.md is what the tables say (npm run docs)', () => {
  expect(readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8')).toBe(troubleshootingPage())
})

test('a row says in sentences what has happened and what to do', () => {
  const rows = Object.values(tables).flatMap(table => Object.entries(table))
  const unclear = rows.filter(([, { meaning, advice }]) => ![meaning, advice].every(text => /^[A-Z"].*\.$/.test(text)))
  expect(unclear).toEqual([])
})

test('no code of a failure is compared but by the table that has it', () => {
  const comparison = new RegExp(`code\\b\\)? *[!=]== *'(?:${codes.join('|')})'|new Failure\\(`)
  const comparing = sources
    .filter(file => !file.endsWith('domain/failure.ts'))
    .flatMap(file =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, at) => (comparison.test(line) ? `${relative(root, file)}:${at + 1}` : [])),
    )
  expect(comparing).toEqual([])
})
