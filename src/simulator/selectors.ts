/** What a path filter can ask about: the keys that exist, null where this one has no value. */
export type Subject = Readonly<Record<string, string | null>>

export type Selector = (subject: Subject) => boolean

// Longest first: `=>` and `<=` would otherwise be read as `=`-something and `<`.
const operators = ['==', '!=', '=+', '!+', '=~', '=-', '<=', '=>', '<', '>'] as const
type Operator = (typeof operators)[number]

/**
 * Reads one decoded path segment: `*`, a bare value (compared with the key `bareKey`), or `*+key op value(&key op value)`
 * (protocol §2.1, §5). undefined for what makes no sense; a key that a subject does not have matches nothing.
 */
export function parseSelector(text: string, bareKey: string): Selector | undefined {
  if (text === '*') return () => true
  if (text === '') return undefined
  if (!text.startsWith('*')) return subject => subject[bareKey] === text
  if (!text.startsWith('*+')) return undefined
  const conditions = text.slice(2).split('&').map(parseCondition)
  if (conditions.some(condition => condition === undefined)) return undefined
  return subject => conditions.every(condition => condition?.(subject))
}

function parseCondition(text: string): Selector | undefined {
  const key = /^[A-Za-z.]+/.exec(text)?.[0]
  if (key === undefined) return undefined
  const operator = operators.find(candidate => text.startsWith(candidate, key.length))
  if (operator === undefined) return undefined
  const test = parseTest(operator, text.slice(key.length + operator.length))
  return subject => {
    const value = subject[key]
    return typeof value === 'string' && test(value)
  }
}

function parseTest(operator: Operator, operand: string): (value: string) => boolean {
  switch (operator) {
    case '==':
      return value => value === operand
    case '!=':
      return value => value !== operand
    case '=~':
      return value => value.includes(operand)
    case '=-': {
      const list = new Set(operand.split(','))
      return value => list.has(value)
    }
    case '=+':
    case '!+': {
      const pattern = readPattern(operand)
      return value => pattern.test(value) === (operator === '=+')
    }
    default:
      return value => compare(value, operand, operator)
  }
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i')
  } catch {
    return /(?!)/
  }
}

function compare(value: string, operand: string, operator: Operator): boolean {
  const order = Number(value) - Number(operand)
  if (operator === '<') return order < 0
  if (operator === '<=') return order <= 0
  return operator === '>' ? order > 0 : order >= 0
}
