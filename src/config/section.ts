import { z } from 'zod'
import { nearest } from '../domain/nearest.ts'

/** A map whose keys are all known. One line of the message for each unknown key, in the order of the issue's `keys`. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: issue =>
      issue.code === 'unrecognized_keys' ? issue.keys.map(key => unknownKey(key, known)).join('\n') : undefined,
  })
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  const named = `unknown key ${JSON.stringify(key)}`
  return near === undefined ? `${named}; known here: ${known.join(', ')}` : `${named}: did you mean "${near}"?`
}
