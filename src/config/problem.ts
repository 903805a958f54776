import { Failure } from '../domain/failure.ts'
import { configFailure } from './failures.ts'

/** One thing that is wrong in a config file. Holds no secret: those are blotted out of the excerpt. */
export interface Problem {
  readonly file: string
  /** From 1; 0 where the file as a whole is meant. */
  readonly line: number
  /** From 1, in UTF-16 units as editors count. */
  readonly column: number
  readonly message: string
  readonly excerpt: Excerpt | undefined
}

export interface Excerpt {
  readonly text: string
  /** Where the carets begin (from 0) and how many there are. */
  readonly at: number
  readonly length: number
}

/** All problems of a config file, in the order of their places. Its message shows the first of them to a person. */
export class ConfigError extends Failure {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
    const { retry, reach } = configFailure.rows.config
    super(linesOf(sorted).join('\n'), { code: 'config', retry, reach })
    this.problems = sorted
  }

  /** As its message has them. */
  lines(): string[] {
    return linesOf(this.problems)
  }
}

/** A mistake that is made in each of 3,000 lines is understood after some. */
const mostShown = 20

function linesOf(problems: readonly Problem[]): string[] {
  const more = problems.length - mostShown
  const lines = problems.slice(0, mostShown).flatMap(problemLines)
  if (more > 0)
    lines.push(`… and ${more.toLocaleString('en')} more ${more === 1 ? 'mistake' : 'mistakes'} in this file`)
  return lines
}

/** `file:line:column: message`, the line, and carets under the spot. */
function problemLines({ file, line, column, message, excerpt }: Problem): string[] {
  if (line === 0) return [`${file}: ${message}`]
  const head = `${file}:${line}:${column}: ${message}`
  if (excerpt === undefined) return [head]
  // Tabs stay tabs, so that the carets stand under the spot whatever a tab is worth.
  const indent = excerpt.text.slice(0, excerpt.at).replace(/[^\t]/g, ' ')
  return [head, `  ${excerpt.text}`, `  ${indent}${'^'.repeat(Math.max(1, excerpt.length))}`]
}
