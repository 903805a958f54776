import { isoText } from '../domain/instant.ts'

/**
 * A recording of data-log requests, one JSON document a line: the head, then for each request what was asked, every
 * frame as it came, and how it closed. It holds what the gateway logged, and nothing of the login.
 */
export type CapturePart =
  | { readonly capture: 1; readonly gateway: string; readonly release: string | null; readonly at: string }
  | { readonly request: { readonly query: string; readonly after: number; readonly until: number } }
  /** `afterEnd`: it came between `"end"` and the close. */
  | { readonly frame: string; readonly afterEnd?: true }
  /**
   * `close`: the gateway's code, null where it did not close by itself. `end`: `"end"` was received. `failed`: the code of
   * the failure, where the request came to no good end and nobody stopped it.
   */
  | { readonly close: number | null; readonly end: boolean; readonly failed?: string }

export function headPart(gateway: string, release: string | undefined, now: number): CapturePart {
  return { capture: 1, gateway, release: release ?? null, at: isoText(now) }
}
