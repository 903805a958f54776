import type { FaultSettings } from './faults.ts'

/** The header of an answer that says "later", undefined where none is sent. `epoch` is the mistake of some servers. */
export function retryAfter({ retryAfter: text }: Pick<FaultSettings, 'retryAfter'>, now: number): string | undefined {
  if (text === 'epoch') return String(Math.floor(now / 1000) + 60)
  return text === '' ? undefined : text
}
