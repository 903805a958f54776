import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeFolder } from '../../../src/durable/folder.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

it('a folder is made with those above it, or is there already', () => {
  const folder = join(temporaryFolder(), 'a', 'b', 'c')
  makeFolder(folder, 0o700)
  makeFolder(folder)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
})

it.skipIf(process.platform !== 'linux')('a folder that cannot be made fails at once', () => {
  // with recursive: true Node never returns from the first one
  expect(() => makeFolder('/proc/a/b')).toThrow(/ENOENT/)
  expect(() => makeFolder('/proc/a')).toThrow(/ENOENT/)
  expect(() => makeFolder('/proc/version/a')).toThrow(/ENOTDIR/)
  expect(() => makeFolder('/proc/version')).toThrow(/EEXIST/)
})
