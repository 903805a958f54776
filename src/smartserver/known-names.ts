import { type Selector, selectorKey, selectorMatches } from '../domain/datapoint.ts'
import type { Frame } from '../domain/entry.ts'
import { decodeEntry } from './entry.ts'
import { textOf } from './rest-json.ts'

/** What a gateway calls a datapoint that is asked for by its name: by an instance name, or by its XIF name alone. */
export type NameForm = 'instance' | 'xif' | 'unknown'

/**
 * What entries have shown of the names of datapoints. Many have no instance name, and people see their XIF name in its
 * place; whether a filter by instance name finds them then, no document says. A filter that finds nothing would make
 * complete what was never sent: a name is filtered by only once an entry has shown what kind of name it is.
 */
export class KnownNames {
  readonly #forms = new Map<string, NameForm>()

  formOf(selector: Selector): NameForm {
    return this.#forms.get(selectorKey(selector)) ?? 'unknown'
  }

  /** Looks until the first entry of the selector; after that it costs nothing. */
  look(selector: Selector, frames: readonly Frame[]): void {
    const { point } = selector
    if (point === undefined || 'xif' in point || this.formOf(selector) !== 'unknown') return
    for (const frame of frames) {
      const entry = decodeEntry(frame)
      if ('reason' in entry || !selectorMatches(selector, entry.datapoint)) continue
      const shown = textOf((JSON.parse(frame) as Record<string, unknown>)['name'])
      this.#forms.set(selectorKey(selector), shown === undefined ? 'xif' : 'instance')
      return
    }
  }
}
