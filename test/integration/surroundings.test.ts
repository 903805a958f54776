import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Ended, openSite, runProgram, type Site } from '../support/program.ts'
import { runInShell } from '../support/shell.ts'

const main = resolve(import.meta.dirname, '../../src/main.ts')

let site: Site
beforeEach(async () => {
  site = await openSite()
  await site.configure(settings({}))
})
afterEach(() => site.remove())

function settings(change: object): object {
  const gateway = { url: 'https://127.0.0.1:9', username: 'u', password: 'p', datapoints: ['Sensor 1/*/*/*'] }
  return { gateways: { g: gateway }, ledger: 'ledger.db', sink: { sqlite: { path: 'points.db' } }, ...change }
}

/** It works, or says which setting helps: what the surroundings refuse is no bug of the program. */
function expectNoBug({ code, stderr }: Ended, help: RegExp): void {
  expect(stderr).not.toMatch(/this is a bug/i)
  if (code !== 0) expect(stderr).toMatch(help)
  expect(code).toBeDefined()
}

const program = (...args: string[]) => [process.execPath, main, ...args].map(word => `'${word}'`).join(' ')

test.each([24, 26, 28, 32])('with %i files that may be open', async files => {
  const words = program('dead-letters', 'replay', '--config', site.file)
  expectNoBug(await runInShell(`ulimit -n ${files}; exec ${words}`), /ulimit -n/)
}, 30_000)

test('in a working folder that was deleted', async () => {
  const gone = join(site.folder, 'gone')
  mkdirSync(gone)
  const words = `cd '${gone}'; rmdir '${gone}'; exec ${program('status', '--config', site.file)}`
  expectNoBug(await runInShell(words), /working folder/)
}, 30_000)

test.each([
  { ledger: '/proc/a/b/ledger.db' },
  { ledger: '/proc/version/ledger.db' },
  { sink: { sqlite: { path: '/proc/a/b/points.db' } } },
  { sink: { bundle: { path: '/proc/a/b' } } },
])('with a folder that cannot be made: %j', async change => {
  await site.configure(settings(change))
  const ended = await runProgram(['retry', '--config', site.file])
  expect(ended.code).toBe(1)
  expectNoBug(ended, /path is right|stands there/)
}, 30_000)

test('without a folder for temporary files', async () => {
  const folder = join(site.folder, 'letters')
  mkdirSync(folder)
  const letter = { at: '', gateway: 'g', after: '2026', until: '2027', reason: 'not-json', detail: '', raw: 'x' }
  writeFileSync(join(folder, '2026-01-01.ndjson'), `${JSON.stringify(letter)}\n`.repeat(20_000))
  await site.configure(settings({ deadLetters: { path: folder } }))
  const ended = await runProgram(['status', '--config', site.file, '--json'], {
    env: { SQLITE_TMPDIR: '/proc', TMPDIR: '/proc' },
  })
  expect(ended.code).toBe(0)
  expect(JSON.parse(ended.stdout)).toBeTypeOf('object')
  // what it needed beside the letters has gone with it
  expect(readdirSync(folder)).toEqual(['2026-01-01.ndjson'])
}, 30_000)

test('status names a ledger that is not there', async () => {
  await site.configure(settings({ ledger: '/proc/a/b/ledger.db' }))
  const { stderr } = await runProgram(['status', '--config', site.file])
  expect(stderr).toContain('/proc/a/b/ledger.db')
}, 30_000)
