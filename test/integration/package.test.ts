import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** As in a terminal elsewhere: nothing of the npm script that started the tests, this Node first. */
const env = {
  // but for the certificates that a registry may need on this machine
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_(?!EXTRA_CA_CERTS)|VITEST)/i.test(name)),
  ),
  PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
}

describe('the published package', () => {
  let elsewhere = ''
  let packed: string[] = []

  beforeAll(async () => {
    elsewhere = await mkdtemp(join(tmpdir(), 'smartserver-etl-package-'))
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', elsewhere], { cwd: root, env })
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
    packed = files.map(file => file.path)
    const quietly = ['--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', '--prefix', elsewhere, join(elsewhere, filename), ...quietly], { cwd: elsewhere, env })
  }, 400_000)

  afterAll(() => rm(elsewhere, { recursive: true, force: true }))

  const etl = (...options: string[]) =>
    run(join(elsewhere, 'node_modules/.bin/smartserver-etl'), options, { cwd: elsewhere, env })

  test('holds the program and what its users need, and nothing of its workshop', () => {
    expect(
      packed.filter(path => !/^(dist|config)\/|^(README\.md|CHANGELOG\.md|LICENSE|package\.json)$/.test(path)),
    ).toEqual([])
    expect(packed).toEqual(
      expect.arrayContaining(['dist/main.js', 'config/example.yaml', 'config/smartserver-etl.schema.json', 'LICENSE']),
    )
  })

  test('tells its version', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    const { stdout } = await etl('--version')
    expect(stdout.trim()).toBe(version)
  })

  test('tells how it is used', async () => {
    const { stdout } = await etl('--help')
    expect(stdout).toMatch(/^Usage: smartserver-etl /)
  })
})
