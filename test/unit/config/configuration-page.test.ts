import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configurationPage } from '../../../scripts/configuration-page.ts'

test('docs/configuration.md shows every setting as the schema has it ("npm run schema" writes it)', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')
  expect(page).toBe(configurationPage(page))
})
