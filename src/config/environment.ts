export type Environment = Readonly<Record<string, string | undefined>>

/** What is wrong with one reference: which of the text's references (from 0), and why. Never holds a value. */
interface ReferenceFault {
  readonly nth: number
  readonly message: string
}

interface Substitution {
  readonly text: string
  /** Something came from the environment or a default: the text must not be shown. */
  readonly substituted: boolean
  readonly faults: readonly ReferenceFault[]
}

/** `$$`, `${NAME}`, `${NAME:-default}`, and what looks like a reference but is none. */
export const referencePattern = /\$\$|\$\{([^}]*)(\}?)/g

/** `${NAME}`; `${NAME:-default}` where NAME is unset or empty, as in a shell; `$$` is `$`. What is put in is not looked at again. */
export function substitute(text: string, env: Environment): Substitution {
  const faults: ReferenceFault[] = []
  let nth = -1
  let substituted = false
  const replaced = text.replace(referencePattern, (all: string, inner: string | undefined, end: string | undefined) => {
    nth++
    if (inner === undefined) return '$'
    substituted = true
    const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner) ?? []
    if (end !== '}' || name === undefined) {
      faults.push({ nth, message: 'expected ${NAME} or ${NAME:-default}; a plain $ is written $$' })
      return all
    }
    const value = env[name]
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value !== undefined) return value
    faults.push({ nth, message: `the environment variable ${name} is not set` })
    return ''
  })
  return { text: replaced, substituted, faults }
}
