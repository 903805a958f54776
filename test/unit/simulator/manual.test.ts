import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { changeSchema } from '../../../src/simulator/changes.ts'
import { faultSchema } from '../../../src/simulator/faults.ts'
import { habitSchema } from '../../../src/simulator/habits.ts'
import { odditySchema } from '../../../src/simulator/oddities.ts'
import { costSchema, siteSchema } from '../../../src/simulator/options.ts'

const manual = readFileSync(new URL('../../../docs/simulator.md', import.meta.url), 'utf8')
const schemas = { siteSchema, costSchema, faultSchema, odditySchema, habitSchema, changeSchema }

test.each(
  Object.entries(schemas),
)('docs/simulator.md has a line for every option of %s, with its meaning', (_, schema) => {
  for (const [name, option] of Object.entries(schema.shape) as [string, z.ZodType][])
    expect(manual).toContain(`| \`${name}\` | ${option.description} |`)
})
