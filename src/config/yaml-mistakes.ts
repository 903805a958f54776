import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from 'yaml'
import { durationPattern } from '../domain/duration.ts'
import type { Span } from './excerpt.ts'

/*
 * What YAML 1.2 allows, reads as something, and a person does not mean. Each is refused at its place with the form that
 * is meant: `{ scale: 2,5 }` is 2 and a key 5, `~` is nothing, `Hall #3` is Hall.
 */

/** A mistake of a node, or of the pair that the node is the key of. */
interface Mistake {
  readonly node: Node
  readonly span: Span
  readonly message: string
}

type Above = readonly unknown[]

/** What no text of this kind holds, wherever it stands. */
export function textMistakes(text: string): Omit<Mistake, 'node'>[] {
  const found: Omit<Mistake, 'node'>[] = []
  for (const { 0: sign, index } of text.matchAll(/(?![\t\n]|\r\n)[\p{Cc}\ufffd]/gu)) {
    const message =
      sign === '\ufffd'
        ? 'U+FFFD stands for a sign that was lost when this file was converted: write it again'
        : sign === '\r'
          ? 'a carriage return without a line feed: save the file with the line ends of Unix or Windows'
          : `the control character ${codePoint(sign)}: take it out, or write an escape in double quotes`
    found.push({ span: { start: index, end: index + 1 }, message })
  }
  const directive = /^(?:[ \t]*(?:#.*)?\n)*(%.*)/.exec(text)
  if (directive !== null) {
    const start = directive[0].length - directive[1]!.length
    const message = 'directives (%…) are not used here: this is YAML 1.2, take the line out'
    found.push({ span: { start, end: directive[0].trimEnd().length }, message })
  }
  return found
}

/** No sign of a name that anyone types on purpose; in quotes they may stand. */
const invisible =
  /[\u00a0\u00ad\u061c\u180e\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u2064\u2066-\u2069\u3000\ufeff]/
const otherQuotes = /^[“”„‟«»‘’‚‛‹›＂＇´`]/
const otherDashes = /^[‐‑‒–—−•·](?= |\d)/
const commentGlued = /^[ \t]+#(?![\s#]|$)/

/** All mistakes of a document that YAML itself can read, in no order. */
export function yamlMistakes(document: Document, text: string): Mistake[] {
  const found: Mistake[] = []
  const add = (node: Node, message: string | undefined, span = spanOf(node)) => {
    if (message !== undefined) found.push({ node, span, message })
  }
  visit(document, {
    Node(key, node, above) {
      if (isAlias(node)) return
      if ('tag' in node && node.tag !== undefined && !isUnresolved(document, node.tag)) add(node, tagUnused)
      if (isCollection(node)) {
        if (isSeq(node)) add(node, halvesMessage(node, text))
        if (isMap(node)) add(node, colonMessage(node, above))
        return
      }
      if (!isScalar(node) || node.range == null) return
      if (node.anchor !== undefined && node.source === '') {
        const [start] = node.range
        const anchor = text.lastIndexOf('&', start)
        add(node, '& begins an anchor in YAML: put text that begins with & in quotes', { start: anchor, end: start })
      } else if (node.type === 'PLAIN') {
        const source = text.slice(node.range[0], node.range[1])
        const rest = lineRest(text, node.range[1])
        add(node, plainMessage(source) ?? (key === 'key' ? undefined : valueMessage(source, node.value, rest, above)))
      }
    },
    Pair(_, pair, above) {
      const { key } = pair
      if (!isScalar(key) || key.range == null) return
      add(key as Node, keyMessage(pair, text, above))
    },
  })
  return found
}

const tagUnused = 'YAML tags (!…) are not used here: put text that begins with ! in quotes'

/** The library has warned of it. */
function isUnresolved({ warnings }: Document, tag: string): boolean {
  return warnings.length > 0 && !tag.startsWith('tag:yaml.org')
}

/** What is wrong with a plain key or value, whatever is expected of it. */
function plainMessage(source: string): string | undefined {
  if (source.includes('\n'))
    return 'this goes on in the next line: check the indentation and the colon. Text of several lines needs quotes'
  const hidden = hiddenMessage(source)
  if (hidden !== undefined) return hidden
  const quote = otherQuotes.exec(source)?.[0]
  if (quote !== undefined) return `${quote} (${codePoint(quote)}) is no quotation mark in YAML: write " or '`
  const dash = otherDashes.exec(source)?.[0]
  if (dash !== undefined)
    return `${dash} (${codePoint(dash)}) begins no list item and no number: write -, or put the text in quotes`
  return undefined
}

/** Of text with a sign that shows nothing or a blank. */
export function hiddenMessage(source: string): string | undefined {
  const sign = invisible.exec(source)?.[0]
  return sign === undefined
    ? undefined
    : `${codePoint(sign)} shows nothing or a blank: take it out, or put text that really holds it in quotes`
}

/** What is wrong with a plain value: `rest` is what follows in its line. */
function valueMessage(source: string, value: unknown, rest: string, above: Above): string | undefined {
  if (value === null && source !== '')
    return `${source} means nothing at all in YAML: leave the line out, or put the text in quotes`
  if (value === null)
    return isWithin(above.slice(0, -1), 'datapoints')
      ? 'no value: give one, or take the line out (a part that is left out means any)'
      : undefined
  if (typeof value === 'number') return numberMessage(source, value, above)
  if (typeof value !== 'string') return undefined
  if (/[,;]$/.test(source))
    return `this ends in a ${source.endsWith(',') ? 'comma' : 'semicolon'}: take it out, or put the text in quotes`
  // a blank and # are in no duration and no address
  if (commentGlued.test(rest) && !durationPattern.test(source) && !source.includes('://'))
    return '" #" begins a comment: put text that holds it in quotes, or write "# " with a blank'
  return undefined
}

function numberMessage(source: string, value: number, above: Above): string | undefined {
  if (/^[-+]?0[xob]/i.test(source) || /^[-+]?0\d/.test(source))
    return 'YAML has other numbers for this: write it in decimal without a zero before it, or in quotes if it is text'
  if (isText(above) && String(value) !== source) return `YAML reads the number ${value} here: put the text in quotes`
  return undefined
}

/** Where a whole number stands for text: its written form counts. */
function isText(above: Above): boolean {
  const [pair, map, outer] = above.toReversed()
  const name = keyOf(pair)
  return name === 'id' || name === 'as' || (isMap(map) && keyOf(outer) === 'tags')
}

function keyMessage(pair: Pair, text: string, above: Above): string | undefined {
  const key = pair.key as { source?: string; type?: string; range: [number, number, number] }
  if (key.source === '<<')
    return 'YAML 1.2 has no merge keys: write the options out, or name a whole value by an alias (*name)'
  const map = above.at(-1)
  if (!isMap(map) || map.flow !== true || /^\s*:/.test(text.slice(key.range[1]))) return undefined
  if (/^\d/.test(key.source ?? '') && text[key.range[0] - 1] === ',')
    return 'a comma ends a value here: decimal numbers have a point (2.5), and text with a comma needs quotes'
  return key.source?.includes(':') === true
    ? 'a blank is missing after the colon'
    : 'a key without a value: write key: value, and put text with a comma in quotes'
}

/** `[2,5]`: a decimal comma, or two numbers. */
function halvesMessage(list: Node, text: string): string | undefined {
  if (!isSeq(list) || list.flow !== true || list.items.length !== 2) return undefined
  const [start, end] = list.range ?? [0, 0]
  return /^\[\s*-?\d+,\d+\s*\]$/.test(text.slice(start, end))
    ? 'one number or two? Write a decimal number with a point, and two numbers with a blank after the comma'
    : undefined
}

/** `- Building 1: AHU/0/x`: a map with a key that no option has. */
function colonMessage(map: YAMLMap, above: Above): string | undefined {
  const [pair] = map.items
  if (!isSeq(above.at(-1)) || map.items.length !== 1 || map.flow === true || !isScalar(pair?.key)) return undefined
  const name = String(pair.key.value)
  return /^[A-Za-z0-9_]*$/.test(name) || !isScalar(pair.value)
    ? undefined
    : '": " makes a map of this: put text that holds it in quotes'
}

function isWithin(above: Above, name: string): boolean {
  return above.some(node => keyOf(node) === name)
}

function keyOf(pair: unknown): string | undefined {
  const key = (pair as { key?: unknown } | undefined)?.key
  return isScalar(key) ? String(key.value) : undefined
}

function lineRest(text: string, at: number): string {
  const end = text.indexOf('\n', at)
  return text.slice(at, end === -1 ? undefined : end)
}

function codePoint(sign: string): string {
  return `U+${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
}

function spanOf(node: Node): Span {
  return node.range ? { start: node.range[0], end: node.range[1] } : { start: 0, end: 0 }
}
