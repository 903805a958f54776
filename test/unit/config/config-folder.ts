import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Environment } from '../../../src/config/environment.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { ConfigError } from '../../../src/config/problem.ts'

/** A new folder with the given files; gone at the end of the `using` block. */
export function configFolder(files: Readonly<Record<string, string | Buffer>>): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'smartserver-etl-config-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text, { mode: 0o600 })
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** What loading the text gives, with the folder called `.` in every error. */
export function load(
  text: string | Buffer,
  env: Environment = {},
  more: Readonly<Record<string, string | Buffer>> = {},
) {
  using folder = configFolder({ ...more, 'c.yaml': text })
  return loadConfig(join(folder.path, 'c.yaml'), env)
}

export function loadError(
  text: string | Buffer,
  env: Environment = {},
  more: Readonly<Record<string, string | Buffer>> = {},
): string {
  using folder = configFolder({ ...more, 'c.yaml': text })
  try {
    loadConfig(join(folder.path, 'c.yaml'), env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(`${folder.path}/`, '')
    throw error
  }
  throw new Error('the config was loaded without an error')
}
