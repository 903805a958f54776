import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { assemble, type Config } from './config.ts'
import type { Environment } from './environment.ts'
import { ConfigError, type Problem } from './problem.ts'
import { type Referenced, readReferenced, type SecretText, secretTexts } from './referenced.ts'
import { settingsSchema } from './schema.ts'
import { blankFault } from './secret-text.ts'
import { readTextFile } from './text-file.ts'
import { configWarnings } from './warnings.ts'
import { readYaml, type YamlFile } from './yaml.ts'
import { type Fault, faultsOf, zodMessage } from './zod-messages.ts'

const fileName = 'smartserver-etl.yaml'

/** `smartserver-etl.yaml` in the folder, else in its `config/`; undefined where neither is there. */
export function findConfig(cwd: string): string | undefined {
  return [join(cwd, fileName), join(cwd, 'config', fileName)].find(file => existsSync(file))
}

/**
 * Reads and checks a config file with everything it names. Throws a ConfigError with all that is wrong in it (of a file
 * that is no YAML: all that YAML finds). No error holds what came from the environment or a secret file (law 12).
 */
export function loadConfig(file: string, env: Environment): Config {
  const yaml = readYaml(file, readConfigText(file), env)
  const base = baseFolder(file)
  const referenced = readReferenced(yaml.value, base)
  const secrets = secretTexts(yaml.value)
  const parsed = settingsSchema.safeParse(yaml.value, { error: zodMessage })
  const problems = [...yaml.problems]
  if (yaml.isReadable) {
    problems.push(...faultsOf(parsed.error?.issues ?? []).flatMap(fault => problemOf(fault, yaml)))
    problems.push(...referenced.flatMap(reference => referenceProblem(reference, yaml)))
    problems.push(...secrets.flatMap(secret => blankProblem(secret, yaml)))
  }
  const config = parsed.success ? assemble(parsed.data, base, referenced) : undefined
  if (config?.sink.kind === 'sqlite' && config.sink.path === config.ledger)
    problems.push(
      ...problemOf(
        { path: ['ledger'], instead: 'sink', atKey: false, message: 'must be another file than the sink' },
        yaml,
      ),
    )
  if (config === undefined || problems.length > 0) throw new ConfigError(withoutRepeats(problems))
  const isWritten = ({ path }: SecretText) => path.at(-1) !== 'username' && yaml.place(path)?.substituted === false
  return { ...config, warnings: configWarnings(file, config, secrets.some(isWritten)) }
}

/** Relative paths of a config belong to its folder; where that is named `config`, to the folder above: its project. */
function baseFolder(file: string): string {
  const folder = dirname(resolve(file))
  return basename(folder) === 'config' ? dirname(folder) : folder
}

function readConfigText(file: string): string {
  const read = readTextFile(file)
  if (read.text !== undefined) return read.text.replace(/^\ufeff/, '')
  const { line, column } = read.place ?? { line: 0, column: 0 }
  throw new ConfigError([{ file, line, column, message: read.fault, excerpt: undefined }])
}

function problemOf({ path, instead, atKey, message }: Fault, yaml: YamlFile): Problem[] {
  const place = yaml.place(path)
  if (path.some((_, i) => yaml.place(path.slice(0, i + 1))?.isBroken)) return []
  if (place?.value === undefined && instead !== undefined)
    return problemOf({ path: [...path.slice(0, -1), instead], instead: undefined, atKey, message }, yaml)
  if (place === undefined)
    return path.length === 0
      ? [yaml.problemAt({ start: 0, end: 0 }, message)]
      : problemOf({ path: path.slice(0, -1), instead, atKey, message }, yaml)
  const { key, value, isCollection } = place
  const start = value?.start ?? 0
  const span = atKey || isCollection || value === undefined ? (key ?? { start, end: start }) : value
  return [yaml.problemAt(span, message)]
}

function referenceProblem({ path, file, fault }: Referenced, yaml: YamlFile): Problem[] {
  if (fault === undefined) return []
  const shown = yaml.place(path)?.substituted === false ? `: ${file}` : ''
  return problemOf({ path, instead: undefined, atKey: false, message: `${fault}${shown}` }, yaml)
}

/** A variable of a file from Windows, or one that was filled with `echo`: what it holds is not meant as it is. */
function blankProblem({ path, text }: SecretText, yaml: YamlFile): Problem[] {
  const fault = blankFault(text)
  if (fault === undefined || yaml.place(path)?.substituted !== true) return []
  return problemOf({ path, instead: undefined, atKey: false, message: `the text from the environment ${fault}` }, yaml)
}

/** What stands under an anchor is read wherever its alias is: it is wrong once. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  return [
    ...new Map(
      problems.map(problem => [JSON.stringify([problem.line, problem.column, problem.message]), problem]),
    ).values(),
  ]
}
