import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
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
  let tarball = ''
  let packed: string[] = []

  beforeAll(async () => {
    elsewhere = await mkdtemp(join(tmpdir(), 'smartserver-etl-package-'))
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', elsewhere], { cwd: root, env })
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
    tarball = filename
    packed = files.map(file => file.path)
    const quietly = ['--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', '--prefix', elsewhere, join(elsewhere, filename), ...quietly], { cwd: elsewhere, env })
  }, 400_000)

  afterAll(() => rm(elsewhere, { recursive: true, force: true }))

  const etl = (...options: string[]) =>
    run(join(elsewhere, 'node_modules/.bin/smartserver-etl'), options, { cwd: elsewhere, env })

  test('holds the program and what its users need, and nothing of its workshop', () => {
    expect(
      packed.filter(
        path => !/^(dist|config)\/|^(README\.md|CHANGELOG\.md|LICENSE|package\.json|npm-shrinkwrap\.json)$/.test(path),
      ),
    ).toEqual([])
    expect(packed).toEqual(
      expect.arrayContaining(['dist/main.js', 'config/example.yaml', 'config/smartserver-etl.schema.json', 'LICENSE']),
    )
  })

  test('names the versions that were tested, and installs few packages', async () => {
    const { stdout } = await run('tar', ['xOf', join(elsewhere, tarball), 'package/npm-shrinkwrap.json'])
    expect(stdout).toBe(await readFile(join(root, 'package-lock.json'), 'utf8'))
    expect(existsSync(join(root, 'npm-shrinkwrap.json'))).toBe(false)
    const installed = await readFile(join(elsewhere, 'node_modules/.package-lock.json'), 'utf8')
    expect(Object.keys((JSON.parse(installed) as { packages: object }).packages).length).toBeLessThan(45)
  })

  test('simulates a gateway', async () => {
    const running = execFile(join(elsewhere, 'node_modules/.bin/smartserver-etl'), ['simulate', '--port', '0'], { env })
    let printed = ''
    running.stdout?.on('data', text => {
      printed += text
      if (printed.includes('Ctrl-C')) running.kill('SIGINT')
    })
    await once(running, 'close')
    expect(printed).toMatch(/listens at https:/)
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
