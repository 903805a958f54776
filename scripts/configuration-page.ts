import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { settingsSchema } from '../src/config/schema.ts'

/** As much of a JSON schema as the page shows. */
interface Node {
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly anyOf?: readonly Node[]
}

const page = new URL('../docs/configuration.md', import.meta.url)
const begin = '<!-- settings: generated from the schema by "npm run schema" -->\n'
const end = '<!-- end of the settings -->'

/** docs/configuration.md with its tables as the schema has them now. */
export function configurationPage(text: string): string {
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined)
    throw new Error(`docs/configuration.md has no part between ${begin}and ${end}`)
  const schema = z.toJSONSchema(settingsSchema, { io: 'input', target: 'draft-7' }) as Node
  return `${before}${begin}\n${tables('the top level', schema)}\n${end}${after}`
}

/** A table of the settings in `node`, then one for each section within it. */
function tables(path: string, node: Node): string {
  const rows: string[] = []
  const sections: string[] = []
  for (const [name, setting] of Object.entries(node.properties ?? {})) {
    const isRequired = node.required?.includes(name) ?? false
    const below = sectionBelow(setting)
    const full = path === 'the top level' ? name : `${path}.${name}`
    const standard = below === undefined && setting.default !== undefined ? `\`${valueText(setting.default)}\`` : ''
    rows.push(`| \`${name}\` | ${isRequired ? '**required**' : standard} | ${meaning(setting)} |`)
    if (below !== undefined) sections.push(tables(`${full}${below.suffix}`, below.node))
  }
  return [`### ${path}\n\n| setting | default | meaning |\n|---|---|---|\n${rows.join('\n')}\n`, ...sections].join('\n')
}

/** Settings with a table of their own: a section, the members of a map or list. */
function sectionBelow(setting: Node): { suffix: string; node: Node } | undefined {
  if (setting.properties !== undefined) return { suffix: '', node: setting }
  const { additionalProperties: named, items } = setting
  if (typeof named === 'object' && named.properties !== undefined) return { suffix: '.NAME', node: named }
  const item = items?.anyOf?.find(form => form.properties !== undefined)
  return item === undefined ? undefined : { suffix: '[]', node: item }
}

function meaning(setting: Node): string {
  const forms = [setting, ...(setting.anyOf ?? []), ...(setting.items?.anyOf ?? [])]
  const choices = forms.flatMap(form => form.enum ?? []).map(choice => `\`${valueText(choice)}\``)
  const parts = [
    ...(setting.description === undefined ? [] : [setting.description]),
    ...(choices.length > 0 ? [`One of ${choices.join(', ')}`] : []),
    ...(setting.items?.anyOf ?? []).flatMap(form => form.description ?? []),
  ]
  return parts.join('. ').replaceAll('|', '\\|').replaceAll('*', '\\*')
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

if (import.meta.main) writeFileSync(page, configurationPage(readFileSync(page, 'utf8')))
