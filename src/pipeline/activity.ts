import type { Clock } from '../domain/clock.ts'
import type { Activity } from '../ledger/activity.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { WaitReason } from './gate.ts'
import type { RunEvent } from './job.ts'

type Observe = (event: RunEvent) => void

interface Doing {
  readonly doing: string
  readonly until?: number | undefined
}

/** Notes what happens to each gateway for "status", when it changes, and passes the event on. */
export function noteActivity(ledger: Pick<Ledger, 'activity'>, clock: Clock, observe: Observe): Observe {
  const noted = new Map<string, Activity>()
  return event => {
    const { gateway } = event
    const now = doingOf(event, clock.now())
    const before = noted.get(gateway)
    if (now !== undefined && (before?.doing !== now.doing || before.until !== now.until)) {
      // an outage goes on from wait to wait: since when stays, until when does not
      const since = before?.doing === now.doing ? before.since : clock.now()
      const activity = { gateway, doing: now.doing, since, until: now.until }
      noted.set(gateway, activity)
      ledger.activity.note(activity)
    }
    observe(event)
  }
}

function doingOf(event: RunEvent, now: number): Doing | undefined {
  if (event.kind === 'planned' || event.kind === 'done') return { doing: 'transferring' }
  if (event.kind === 'waiting') return doingOfWait(event.reason) ?? { doing: 'transferring' }
  if (event.kind === 'failed')
    return { doing: `trying again after: ${event.failure.message}`, until: now + event.waitMs }
  if (event.kind === 'ended') {
    const { failure, reason } = event
    if (failure === undefined && reason !== undefined) return doingOfWait(reason)
    return {
      doing: failure === undefined ? 'waiting for the next turn' : `given up until the next turn: ${failure.message}`,
    }
  }
  return undefined
}

function doingOfWait(reason: WaitReason | undefined): Doing | undefined {
  return reason && { doing: reason.text, until: reason.until }
}
