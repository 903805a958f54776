import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'

export interface Ended {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** The program itself, as a separate process. */
export interface Running {
  readonly child: ChildProcess
  /** What it has printed on standard output so far. */
  readonly printed: () => string
  /** And on standard error. */
  readonly said: () => string
  readonly ended: Promise<Ended>
}

const main = resolve(import.meta.dirname, '../../src/main.ts')

export function startProgram(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Running {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const ended = new Promise<Ended>((done, fail) => {
    child.once('error', fail)
    child.once('close', code => done({ code: code ?? undefined, stdout, stderr }))
  })
  return { child, printed: () => stdout, said: () => stderr, ended }
}

export function runProgram(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return startProgram(args, options).ended
}

/** A folder for one configuration and what the program keeps beside it. */
export interface Site {
  readonly folder: string
  /** The configuration's file. */
  readonly file: string
  configure(settings: object): Promise<void>
  remove(): Promise<void>
}

export async function openSite(settings?: object): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'smartserver-etl-'))
  const file = join(folder, 'smartserver-etl.yaml')
  const site: Site = {
    folder,
    file,
    configure: it => writeFile(file, stringify(it), { mode: 0o600 }),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
  if (settings !== undefined) await site.configure(settings)
  return site
}
