import fc from 'fast-check'

/** No JSON at all, or any JSON. */
export const nonsense: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.json(),
  fc.constantFrom('', 'null', '[]', '{}', '<html>', '['.repeat(20_000), '"', '1e999', '{"__proto__":null}'),
)

const anyValue = fc.oneof(
  fc.constantFrom<unknown>(null, '', 0, -1, 1e300, 'x', true, [], {}, [[]], [null], { x: null }, '2e9', '\0'),
  fc.jsonValue({ maxDepth: 2 }),
)

/** JSON (of a list: a document a line, or one array) in which some values are another or missing. */
export function damaged(value: object): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(fc.tuple(fc.nat(), fc.option(anyValue, { nil: undefined })), { maxLength: 3 }), fc.boolean())
    .map(([changes, isList]) => {
      const copy = structuredClone({ value })
      for (const [place, change] of changes) {
        const places = placesIn(copy.value)
        const [holder, key] = places[place % (places.length + 1)] ?? [copy, 'value']
        ;(holder as Record<string, unknown>)[key] = structuredClone(change)
      }
      const damagedValue: unknown = copy.value
      if (Array.isArray(damagedValue) && !isList) return damagedValue.map(row => JSON.stringify(row) ?? '').join('\n')
      return JSON.stringify(damagedValue) ?? ''
    })
}

function placesIn(value: unknown): [object, string][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]): [object, string][] => [[value, key], ...placesIn(inner)])
}
