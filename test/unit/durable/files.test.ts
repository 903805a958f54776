import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { appendDurably, portionsOf } from '../../../src/durable/append.ts'
import { replaceDurably, writeAll } from '../../../src/durable/write.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const line = [Buffer.from('new\n')]

test.each([
  ['keep', 'whole\ncut', 'whole\ncut\nnew\n'],
  ['drop', 'whole\ncut', 'whole\nnew\n'],
  ['keep', 'cut', 'cut\nnew\n'],
  ['drop', 'cut', 'new\n'],
  ['keep', 'whole\n', 'whole\nnew\n'],
  ['drop', 'whole\n', 'whole\nnew\n'],
  ['keep', '', 'new\n'],
  ['drop', '', 'new\n'],
] as const)('appending with %s to %j makes %j', (cutLine, before, after) => {
  const path = join(temporaryFolder(), 'lines')
  writeFileSync(path, before)
  appendDurably(path, line, cutLine)
  expect(readFileSync(path, 'utf8')).toBe(after)
})

test('a cut line that is longer than a portion is dropped whole', () => {
  const path = join(temporaryFolder(), 'lines')
  writeFileSync(path, `whole\n${'x'.repeat(200_000)}`)
  appendDurably(path, line, 'drop')
  expect(readFileSync(path, 'utf8')).toBe('whole\nnew\n')
})

test('a file that does not exist is made, readable by its owner only', () => {
  const path = join(temporaryFolder(), 'lines')
  appendDurably(path, line, 'keep')
  expect(readFileSync(path, 'utf8')).toBe('new\n')
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('the portions of a file are all of it', () => {
  const path = join(temporaryFolder(), 'large')
  const content = Buffer.from('0123456789'.repeat(70_000))
  writeFileSync(path, content)
  const file = openSync(path, 'r')
  onTestFinished(() => closeSync(file))
  let all = Buffer.alloc(0)
  for (const portion of portionsOf(file)) all = Buffer.concat([all, portion])
  expect(all.equals(content)).toBe(true)
})

test('a draft takes the place of a file', () => {
  const folder = temporaryFolder()
  const [draft, path] = [join(folder, 'x.draft'), join(folder, 'x')]
  writeFileSync(path, 'old')
  const file = openSync(draft, 'w')
  writeAll(file, Buffer.from('new'))
  expect(readFileSync(path, 'utf8')).toBe('old')
  replaceDurably(file, draft, path)
  expect(readFileSync(path, 'utf8')).toBe('new')
  expect(existsSync(draft)).toBe(false)
})

test('a draft that cannot take the place is removed, and what was there stays', () => {
  const folder = temporaryFolder()
  const [draft, path] = [join(folder, 'x.draft'), join(folder, 'x')]
  // a folder cannot be replaced by a file
  mkdirSync(path)
  const file = openSync(draft, 'w')
  expect(() => replaceDurably(file, draft, path)).toThrow()
  expect(existsSync(draft)).toBe(false)
  expect(statSync(path).isDirectory()).toBe(true)
  expect(() => closeSync(file)).toThrow('EBADF')
})
