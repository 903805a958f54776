import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { appendDurably, portionsOf } from '../../../src/durable/append.ts'
import { makePrivateFile } from '../../../src/durable/private-file.ts'
import { replaceDurably, writeAll } from '../../../src/durable/write.ts'
import { openLedgerFile } from '../../../src/ledger/file.ts'
import { openSqliteSink } from '../../../src/sinks/sqlite/sqlite-sink.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const parts = { clock: systemClock, log: recordedLog().log }
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

test('nothing is appended through a link', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'other'), 'of another\n')
  symlinkSync('other', join(folder, 'lines'))
  expect(() => appendDurably(join(folder, 'lines'), line, 'keep')).toThrow('ELOOP')
  expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('of another\n')
})

const modeOf = (path: string) => statSync(path).mode & 0o777

test('a private file is for its owner alone, or as it is asked for; one that is there keeps its own', () => {
  const folder = temporaryFolder()
  const [mine, shared] = [join(folder, 'mine'), join(folder, 'shared')]
  const umask = process.umask(0o077)
  try {
    makePrivateFile(mine)
    makePrivateFile(shared, 0o640)
  } finally {
    process.umask(umask)
  }
  expect([modeOf(mine), modeOf(shared)]).toEqual([0o600, 0o640])
  chmodSync(mine, 0o644)
  makePrivateFile(mine)
  expect(modeOf(mine)).toBe(0o644)
  writeFileSync(`${mine}-wal`, '')
  makePrivateFile(mine, 0o640)
  expect([modeOf(mine), modeOf(`${mine}-wal`)]).toEqual([0o640, 0o640])
  // what cannot be made is reported by the database
  makePrivateFile(join(folder, 'nowhere', 'x'), 0o640)
})

test('the databases of the program are for its user alone', async () => {
  const folder = temporaryFolder()
  const umask = process.umask(0)
  try {
    const ledger = openLedgerFile(join(folder, 'ledger.db'))
    const sink = await openSqliteSink({ path: join(folder, 'points.db') }, parts)
    const shared = await openSqliteSink({ path: join(folder, 'shared.db'), mode: 0o640 }, parts)
    const modes = readdirSync(folder).map(name => `${name} ${modeOf(join(folder, name)).toString(8)}`)
    expect(modes.filter(it => it.startsWith('shared')).every(it => it.endsWith(' 640'))).toBe(true)
    expect(modes.filter(it => !it.startsWith('shared') && !it.endsWith(' 600'))).toEqual([])
    expect(modes.some(it => it.startsWith('points.db-wal'))).toBe(true)
    ledger.close()
    await sink.close()
    await shared.close()
  } finally {
    process.umask(umask)
  }
})
