import type { Changes, Step } from './changes.ts'

/** What the steps of a script wait for. */
type Moment =
  | { readonly kind: 'request' | 'closed'; readonly number: number }
  | { readonly kind: 'entry'; readonly request: number; readonly number: number }
  | { readonly kind: 'anything' }

/** Changes that wait for their moment. */
export interface Script {
  /** Carries out what is due. Looked at with every request and entry: no timer, so that a steered clock steers it too. */
  look(moment: Moment): void
}

export function createScript(
  steps: readonly Step[],
  elapsedMs: () => number,
  change: (changes: Changes) => void,
): Script {
  let waiting = steps
  return {
    look(moment) {
      if (waiting.length === 0) return
      const due = waiting.filter(({ at }) => isDue(at, moment, elapsedMs))
      if (due.length === 0) return
      waiting = waiting.filter(step => !due.includes(step))
      for (const { at, ...changes } of due) change(changes)
    },
  }
}

function isDue({ afterMs, request, entries, closed }: Step['at'], moment: Moment, elapsedMs: () => number): boolean {
  if (afterMs !== undefined) return elapsedMs() >= afterMs
  if (moment.kind === 'closed') return moment.number === closed
  if (moment.kind === 'entry') return moment.request === request && moment.number === entries
  return moment.kind === 'request' && moment.number === request && entries === undefined
}
