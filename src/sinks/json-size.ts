/** An empty object takes three bytes of a JSON text and some forty of memory: a limit of bytes alone does not bound memory. */
export const mostJsonValues = 1_000_000

const [comma, bracket, brace] = Buffer.from(',[{')

/** As many as a JSON text can hold at the most. */
export function jsonValuesIn(bytes: Uint8Array): number {
  let count = 0
  for (const byte of bytes) if (byte === comma || byte === bracket || byte === brace) count++
  return count
}
