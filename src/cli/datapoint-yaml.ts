import { stringify } from 'yaml'

interface NamedDatapoint {
  readonly device: { readonly id: string; readonly name: string }
  readonly block: string
  readonly index: number
  readonly name: string
}

/**
 * One datapoint as an item of the configuration's list; undefined where no configuration can name it (a name with a line
 * break, or a lone star, which stands for any). `isTwin`: another device has the same name, so the id has to tell them apart.
 */
export function datapointYaml(datapoint: NamedDatapoint, isTwin: boolean): string | undefined {
  const { device, block, index, name } = datapoint
  const parts = isTwin ? [block, name] : [device.name, block, name]
  if (parts.some(part => part === '*' || /\p{Cc}/u.test(part))) return undefined
  if (!isTwin && parts.every(part => !part.includes('/'))) return yamlText(`${device.name}/${block}/${index}/${name}`)
  const ref = isTwin
    ? `{ id: ${yamlText(device.id)}, as: ${yamlText(`${printable(device.name)} (${device.id})`)} }`
    : yamlText(device.name)
  return `{ device: ${ref}, block: ${yamlText(block)}, index: ${index}, datapoint: ${yamlText(name)} }`
}

/** Quoted where YAML or the braces around it need it; a dollar sign is doubled, because the configuration has variables. */
export function yamlText(text: string): string {
  const plain = text.replaceAll('$', '$$$$')
  const quoted = stringify(plain, { lineWidth: 0, defaultStringType: 'PLAIN' }).trimEnd()
  // a comma or bracket is plain in a list but not inside braces
  return /^["'|>]/.test(quoted) || /^[\p{L}\p{N}_.()/ -]+$/u.test(quoted) ? quoted : JSON.stringify(plain)
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').trim()
}
