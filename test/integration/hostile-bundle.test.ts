import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { runMeasured } from '../support/peak-memory.ts'
import { openSite, runProgram, type Site, startProgram } from '../support/program.ts'
import { runInShell } from '../support/shell.ts'
import { lineOf, packedAt, pointLine, writeLines, writeManifest, writtenSeries } from '../support/written-bundle.ts'

let office: Site
let bundle: string

beforeEach(async () => {
  office = await openSite()
  bundle = join(office.folder, 'stick')
  await office.configure({
    gateways: { g: { url: 'https://127.0.0.1:9', username: 'u', password: 'p', datapoints: [{ device: 'Sensor 1' }] } },
    sink: { sqlite: { path: join(office.folder, 'points.db') } },
  })
  return () => office.remove()
})

const one = pointLine(packedAt - 1_000)

async function load(...flags: string[]) {
  const { code, stdout, stderr } = await runProgram(['load', bundle, '--config', office.file, '--json', ...flags])
  expect(stderr).not.toContain('this is a bug')
  return { code, stderr, ...(stdout === '' ? {} : JSON.parse(stdout)) }
}

/** Of the whole hour. */
async function isComplete(): Promise<boolean> {
  const { stdout } = await runProgram(['plan', '--config', office.file, '--json'])
  expect(stdout).not.toBe('')
  return (await load('--trust')).known === 1
}

describe('a bundle is foreign: it', () => {
  test('is loaded where nothing is wrong with it', async () => {
    writeManifest(bundle, [lineOf(writeLines(bundle, 'a.lp.gz', one))])
    expect(await load()).toMatchObject({ code: 0, loaded: 1, written: 1, unbelieved: 0 })
    expect(await load()).toMatchObject({ code: 0, loaded: 0, known: 1 })
    expect(await isComplete()).toBe(true)
  }, 30_000)

  test.each([
    ['another folder', '../outside.lp.gz'],
    ['an absolute path', '/etc/passwd'],
    ['no file of lines', 'manifest.ndjson'],
    ['a hidden file', '.a.lp.gz'],
    ['a name with a null byte', 'a\0.lp.gz'],
  ])(
    'names %s: that range is refused',
    async (_, file) => {
      const { sha256 } = writeLines(office.folder, 'outside.lp.gz', one)
      writeManifest(bundle, [lineOf({ file, sha256 })])
      expect(await load()).toMatchObject({ code: 3, loaded: 0, faults: [expect.stringContaining('line 2')] })
    },
    30_000,
  )

  test('holds no link, pipe, device or folder for a file', async () => {
    const outside = writeLines(office.folder, 'outside.lp.gz', one)
    mkdirSync(bundle)
    symlinkSync('../outside.lp.gz', join(bundle, 'link.lp.gz'))
    symlinkSync('/dev/zero', join(bundle, 'device.lp.gz'))
    await runInShell(`mkfifo '${bundle}/pipe.lp.gz' '${bundle}/other'`)
    mkdirSync(join(bundle, 'folder.lp.gz'))
    for (const name of ['link', 'device', 'pipe', 'folder']) {
      writeManifest(bundle, [lineOf({ ...outside, file: `${name}.lp.gz` })])
      const { code, stderr } = await load()
      expect(code, name).toBe(1)
      expect(stderr, name).toContain(`${name}.lp.gz`)
    }
    renameSync(join(bundle, 'other'), join(bundle, 'manifest.ndjson'))
    expect(await load()).toMatchObject({ code: 1 })
  }, 60_000)

  test('is unpacked a little at a time, and a line without an end is damage', async () => {
    const bomb = writeLines(bundle, 'a.lp.gz', Buffer.alloc(10_000_000, 'x'), 100)
    writeManifest(bundle, [lineOf(bomb)])
    const { code, stderr, peakMiB } = await runMeasured(['load', bundle, '--config', office.file])
    expect(code).toBe(1)
    expect(stderr).toContain('a line is longer')
    expect(peakMiB).toBeLessThan(300)
  }, 60_000)

  test.each([
    ['of another series', one.replace('nvoLux', 'nvoOther')],
    ['of another time', pointLine(packedAt + 1)],
    ['that is none', 'x'],
    ['that is not UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
  ])(
    'may hold a line %s: nothing of the range is recorded',
    async (_, content) => {
      writeManifest(bundle, [lineOf(writeLines(bundle, 'a.lp.gz', content))])
      expect(await load()).toMatchObject({ code: 1, stderr: expect.stringContaining('damaged') })
    },
    30_000,
  )

  test('does not claim what was not yet when it was packed', async () => {
    const file = writeLines(bundle, 'a.lp.gz', one)
    const later = packedAt + 10 * 366 * 86_400_000
    writeManifest(bundle, [
      lineOf({ ...file, until: packedAt + 1 }),
      lineOf({ ...file, until: later, provisional: true }),
      lineOf({ ...file, at: later, until: later }),
    ])
    const { code, loaded, faults } = await load()
    expect([code, loaded]).toEqual([3, 0])
    expect(faults.join()).toMatch(/line 2.*line 3.*line 4/)
  }, 30_000)

  test('does not silence a gateway by a claim of nothing, unless a person says so', async () => {
    writeManifest(bundle, [lineOf({ received: 0, written: 0, series: [[]] })])
    expect(await load()).toMatchObject({ code: 3, loaded: 0, known: 0, unbelieved: 1 })
    expect(await load('--trust')).toMatchObject({ code: 0, loaded: 1, unbelieved: 0 })
    expect(await isComplete()).toBe(true)
  }, 30_000)

  test('does not silence a datapoint by a file without a line of it', async () => {
    const second = { ...writtenSeries[1], device: 'Sensor 2' }
    const selectors = [{ device: { name: 'Sensor 1' } }, { device: { name: 'Sensor 2' } }]
    const series = [[writtenSeries], [['datalog', second]]]
    writeManifest(bundle, [lineOf({ selectors, series, ...writeLines(bundle, 'a.lp.gz', one) })])
    expect(await load()).toMatchObject({ loaded: 1, written: 1 })
    // not known: Sensor 2 is not recorded
    expect(await load()).toMatchObject({ loaded: 1, known: 0 })
  }, 30_000)

  test('has no line that is endless, nor endlessly many faults', async () => {
    mkdirSync(bundle)
    const head = `${JSON.stringify({ bundle: 'b' })}\n`
    writeFileSync(join(bundle, 'manifest.ndjson'), head + '{}\n'.repeat(100_000) + '['.repeat(100_000_000))
    const { code, stderr, peakMiB } = await runMeasured(['load', bundle, '--config', office.file])
    expect(code).toBe(3)
    expect(stderr.length).toBeLessThan(10_000)
    expect(peakMiB).toBeLessThan(300)
  }, 60_000)

  test('hears a stop in the middle of a file', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => pointLine(packedAt - 3_600_000 + 1 + i))
    writeManifest(bundle, [lineOf(writeLines(bundle, 'a.lp.gz', lines.join(''), 100))])
    const { child, ended } = startProgram(['load', bundle, '--config', office.file])
    // the sink's file is there: the load has begun
    while (!existsSync(join(office.folder, 'points.db'))) await new Promise(done => setTimeout(done, 20))
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
  }, 60_000)
})
