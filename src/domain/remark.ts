/**
 * What a person should know of a value that is not in the database as it was sent. `rounded`: no float holds its number, so that the database has
 * another one. `unmapped`: the enumeration of its rule does not have its text, so that it has no number. `unheld`: it is a
 * text, and the database keeps numbers alone, so that it is not written.
 */
export interface Remark {
  readonly kind: 'rounded' | 'unmapped' | 'unheld'
  /** The value as the gateway sent it. */
  readonly text: string
}

/** The remarks about one datapoint. */
export interface Remarked {
  readonly datapoint: string
  readonly kind: Remark['kind']
  readonly entries: number
  /** The first few different values, as the gateway sent them. */
  readonly texts: readonly string[]
}

const mostTexts = 5
const mostTextLength = 100
/** Those of more datapoints are counted in the receipt alone. */
const mostRemarked = 1_000

/** Remarks gathered by datapoint and kind: bounded in datapoints and texts, whatever a gateway sends (law 15). */
export class Remarks {
  readonly #known = new Map<string, Remarked>()

  constructor(known: readonly Remarked[] = []) {
    this.addAll(known)
  }

  add(datapoint: string, { kind, text }: Remark): void {
    this.addAll([{ datapoint, kind, entries: 1, texts: [text.slice(0, mostTextLength)] }])
  }

  addAll(remarked: readonly Remarked[]): void {
    for (const more of remarked) {
      const key = `${more.kind} ${more.datapoint}`
      const known = this.#known.get(key)
      if (known === undefined && this.#known.size >= mostRemarked) continue
      this.#known.set(key, known === undefined ? more : join(known, more))
    }
  }

  all(): Remarked[] {
    return [...this.#known.values()]
  }
}

function join(a: Remarked, b: Remarked): Remarked {
  const isKnown = b.texts.every(text => a.texts.includes(text))
  const texts = isKnown ? a.texts : [...new Set([...a.texts, ...b.texts])].slice(0, mostTexts)
  return { ...a, entries: a.entries + b.entries, texts }
}
