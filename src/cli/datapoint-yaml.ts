import { stringify } from 'yaml'
import type { LoggedDatapoint } from '../smartserver/discovery.ts'

/**
 * One datapoint as an item of the configuration's list; undefined where no configuration can name it (a name with a line
 * break, or a lone star, which stands for any). `isTwin`: another device has the same name, so the id has to tell them apart.
 */
export function datapointYaml(datapoint: LoggedDatapoint, isTwin: boolean): string | undefined {
  const { device, block, index, name } = datapoint
  const parts = isTwin ? [block, name] : [device.name, block, name]
  if (parts.some(part => part === '*' || /\p{Cc}/u.test(part))) return undefined
  if (!isTwin && parts.every(part => !part.includes('/'))) return scalar(`${device.name}/${block}/${index}/${name}`)
  const ref = isTwin
    ? `{ id: ${scalar(device.id)}, as: ${scalar(`${printable(device.name)} (${device.id})`)} }`
    : scalar(device.name)
  return `{ device: ${ref}, block: ${scalar(block)}, index: ${index}, datapoint: ${scalar(name)} }`
}

/** Quoted where YAML or the braces around it need it; a dollar sign is doubled, because the configuration has variables. */
function scalar(text: string): string {
  const plain = text.replaceAll('$', '$$$$')
  const quoted = stringify(plain, { lineWidth: 0, defaultStringType: 'PLAIN' }).trimEnd()
  // a comma or bracket is plain in a list but not inside braces
  return /^["'|>]/.test(quoted) || /^[\p{L}\p{N}_.()/ -]+$/u.test(quoted) ? quoted : JSON.stringify(plain)
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').trim()
}
