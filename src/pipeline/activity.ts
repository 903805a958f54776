import type { Clock } from '../domain/clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { RunEvent } from './job.ts'

type Observe = (event: RunEvent) => void

interface Doing {
  readonly doing: string
  readonly until?: number | undefined
}

/** Notes what happens to each gateway for "status", when it changes, and passes the event on. */
export function noteActivity(ledger: Ledger, clock: Clock, observe: Observe): Observe {
  const noted = new Map<string, string>()
  return event => {
    const now = doingOf(event, clock.now())
    if (now !== undefined && noted.get(event.gateway) !== now.doing) {
      noted.set(event.gateway, now.doing)
      ledger.noteActivity({ gateway: event.gateway, doing: now.doing, since: clock.now(), until: now.until })
    }
    observe(event)
  }
}

function doingOf(event: RunEvent, now: number): Doing | undefined {
  if (event.kind === 'planned' || event.kind === 'done') return { doing: 'transferring' }
  if (event.kind === 'waiting') return event.hindrance ?? { doing: 'transferring' }
  if (event.kind === 'failed')
    return { doing: `trying again after: ${event.failure.message}`, until: now + event.waitMs }
  if (event.kind === 'ended') {
    const { failure } = event
    return {
      doing: failure === undefined ? 'waiting for the next turn' : `given up until the next turn: ${failure.message}`,
    }
  }
  return undefined
}
