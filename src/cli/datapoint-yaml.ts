import { stringify } from 'yaml'
import { isSteering, visible } from '../domain/visible.ts'
import { canBeSent } from '../smartserver/log-query.ts'

interface NamedDatapoint {
  readonly device: { readonly id: string; readonly name: string }
  readonly block: string
  readonly index: number
  readonly name: string
}

/**
 * One datapoint as an item of the configuration's list; undefined where no configuration can name it (a block or datapoint
 * with a line break, or a lone star, which stands for any). The device goes by its id where another has the same name
 * (`isTwin`), or where its name cannot be sent: each request would then ask for all of the gateway.
 */
export function datapointYaml(datapoint: NamedDatapoint, isTwin: boolean): string | undefined {
  const { device, block, index, name } = datapoint
  if ([block, name].some(part => part === '*' || /\p{Cc}/u.test(part))) return undefined
  const byId = isTwin || device.name === '*' || !canBeSent(device.name)
  if (!byId && [device.name, block, name].every(part => !part.includes('/')))
    return yamlText(`${device.name}/${block}/${index}/${name}`)
  const ref = byId
    ? `{ id: ${yamlText(device.id)}, as: ${yamlText(nameInDatabase(device, isTwin))} }`
    : yamlText(device.name)
  return `{ device: ${ref}, block: ${yamlText(block)}, index: ${index}, datapoint: ${yamlText(name)} }`
}

/** Quoted where YAML or the braces around it need it; a dollar sign is doubled, because the configuration has variables. */
export function yamlText(text: string): string {
  const plain = text.replaceAll('$', '$$$$')
  if (isSteering(plain)) return visible(JSON.stringify(plain))
  const quoted = stringify(plain, { lineWidth: 0, defaultStringType: 'PLAIN' }).replace(/\n$/, '')
  // a comma, a bracket or a dash alone is plain in a list but not inside braces
  return /^["'|>]/.test(quoted) || /^[\p{L}\p{N}_.()/][\p{L}\p{N}_.()/ -]*$/u.test(quoted)
    ? quoted
    : JSON.stringify(plain)
}

/** A tag: one line, not empty, no backslash at its end. */
function nameInDatabase({ id, name }: NamedDatapoint['device'], isTwin: boolean): string {
  const printable = name
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .trim()
  return isTwin || printable === '' || printable.endsWith('\\') ? `${printable} (${id})`.trim() : printable
}
