import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import { type Environment, referencePattern, substitute } from './environment.ts'
import { excerptAt, type Span } from './excerpt.ts'
import type { Problem } from './problem.ts'
import { findSecrets } from './secrecy.ts'
import { aliasUnknown, yamlErrorSpan, yamlMessage } from './yaml-messages.ts'
import { textMistakes, yamlMistakes } from './yaml-mistakes.ts'

export type Path = readonly (string | number)[]

/** Where one value of the file stands. */
interface YamlPosition {
  readonly key: Span | undefined
  /** Undefined where the key has no value. */
  readonly value: Span | undefined
  /** A list or map: too large to be underlined. */
  readonly isCollection: boolean
  /** Text from the environment is in it: it must not be shown. */
  readonly substituted: boolean
  /** Already reported: what else is wrong with it follows from that. */
  readonly isBroken: boolean
}

export interface YamlFile {
  /** References are substituted; keys without a value are left out. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** False where the text is no YAML: there is then no value. */
  readonly isReadable: boolean
  place(path: Path): YamlPosition | undefined
  problemAt(span: Span, message: string): Problem
}

const start: Span = { start: 0, end: 0 }

/** An alias inside an alias inside …: a short file could otherwise fill the memory. */
const mostAliases = 10_000

/** Reads YAML with the place of each value. What is wrong with it comes back as problems. */
export function readYaml(file: string, text: string, env: Environment): YamlFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines })
  const lost = textMistakes(text)
  const isReadable = lost.length === 0 && document.errors.every(error => error.code === 'DUPLICATE_KEY')
  const secrets = findSecrets(document, text, isReadable)
  const places = new Map<string, YamlPosition>()
  const problems: Problem[] = []
  let aliases = 0

  const problemAt = (span: Span, message: string): Problem => {
    const { line, col } = lines.linePos(span.start)
    return { file, line, column: col, message, excerpt: excerptAt(text, span, secrets) }
  }
  const report = (span: Span, message: string) => problems.push(problemAt(span, message))
  for (const { span, message } of lost) report(span, message)
  if (lost.length === 0)
    for (const error of errorsOf(document)) report(yamlErrorSpan(error, text), yamlMessage(error, text))
  const mistakes = isReadable ? yamlMistakes(document, text) : []
  for (const { span, message } of mistakes) report(span, message)
  const broken = new Set<unknown>(mistakes.map(({ node }) => node))

  /** `open`: the collections that `node` stands in. */
  function read(node: Node | null, path: Path, key: Span | undefined, open: readonly Node[]): unknown {
    const place = (more: Partial<YamlPosition>) => {
      const plain = { key, value: spanOf(node), isCollection: false, substituted: false, isBroken: broken.has(node) }
      places.set(JSON.stringify(path), { ...plain, ...more })
    }
    if (isAlias(node)) {
      const target = node.resolve(document)
      const fault = target === undefined ? aliasUnknown : aliasFault(target, open)
      if (target !== undefined && fault === undefined) return read(target, path, key ?? spanOf(node), open)
      if (fault !== undefined && aliases <= mostAliases + 1) report(spanOf(node) ?? start, fault)
      place({ isBroken: true })
      return undefined
    }
    if (isMap(node)) {
      place({ isCollection: true })
      return readMap(node, path, [...open, node])
    }
    if (isSeq(node)) {
      place({ isCollection: true })
      return node.items.map((item, i) => read(item as Node | null, [...path, i], undefined, [...open, node]))
    }
    if (!isScalar(node) || node.value === null) {
      place({ value: isScalar(node) && node.source ? spanOf(node) : undefined })
      return null
    }
    if (typeof node.value !== 'string') {
      place({})
      return node.value
    }
    const { text: value, substituted, faults } = substitute(node.value, env)
    for (const { nth, message } of faults) report(referenceSpan(node, text, nth), message)
    place({ substituted, isBroken: faults.length > 0 || broken.has(node) })
    return value
  }

  function readMap(map: YAMLMap, path: Path, open: readonly Node[]): unknown {
    // Without a prototype: no key of the file can be mistaken for something inherited.
    const values: Record<string, unknown> = Object.create(null)
    for (const pair of map.items) {
      const key = pair.key as Node | null
      if (!isScalar(key)) {
        report(spanOf(key) ?? spanOf(map) ?? start, 'a key must be plain text')
        continue
      }
      const name = key.source ?? String(key.value)
      const value = read(pair.value as Node | null, [...path, name], spanOf(key), open)
      if (broken.has(key)) {
        const plain = { key: spanOf(key), value: undefined, isCollection: false, substituted: false }
        places.set(JSON.stringify([...path, name]), { ...plain, isBroken: true })
      }
      if (Object.hasOwn(values, name)) report(spanOf(key) ?? start, 'duplicate key')
      if (value !== null) values[name] = value
    }
    return values
  }

  function aliasFault(target: Node, open: readonly Node[]): string | undefined {
    if (open.includes(target)) return 'an alias must not stand inside of what it names'
    return ++aliases > mostAliases ? `more than ${mostAliases} aliases` : undefined
  }

  const value = isReadable ? read(document.contents, [], undefined, []) : undefined
  return { value: value ?? {}, problems, isReadable, place: path => places.get(JSON.stringify(path)), problemAt }
}

/** Where reading gave up, what follows is no error of the file. */
function errorsOf({ errors, warnings }: Document): readonly YAMLError[] {
  const end = errors.find(error => error.code === 'RESOURCE_EXHAUSTION')
  return end === undefined ? [...errors, ...warnings] : [end]
}

function spanOf(node: Node | null | undefined): Span | undefined {
  return node?.range ? { start: node.range[0], end: node.range[1] } : undefined
}

/** Where the nth reference of a text stands in the file; the whole text where escapes make that unclear. */
function referenceSpan(node: Scalar, text: string, nth: number): Span {
  const whole = spanOf(node) ?? start
  const inFile = [...text.slice(whole.start, whole.end).matchAll(referencePattern)]
  const inValue = [...String(node.value).matchAll(referencePattern)]
  const found = inFile[nth]
  if (found === undefined || inFile.length !== inValue.length) return whole
  return { start: whole.start + found.index, end: whole.start + found.index + found[0].length }
}
