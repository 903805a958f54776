import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import { isoText } from '../domain/instant.ts'
import { rangeJson } from '../domain/range.ts'
import type { Activity } from '../ledger/activity.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { WaitReason } from './gate.ts'
import type { RunEvent } from './job.ts'

type Observe = (event: RunEvent) => void

interface RunObserverParts {
  readonly ledger: Pick<Ledger, 'activity'>
  readonly clock: Clock
  readonly log: Logger
}

/** Notes in the ledger what each gateway does, for `status`; logs transfers and waits at debug level; passes events on. */
export function observeRun({ ledger, clock, log }: RunObserverParts, observe: Observe): Observe {
  const note = createActivityNotes(ledger, clock)
  return event => {
    logEvent(event, log)
    note(event)
    observe(event)
  }
}

function logEvent(event: RunEvent, log: Logger): void {
  const { gateway } = event
  if (event.kind === 'done') {
    const { receipt, piece } = event
    const times = rangeJson(piece.range)
    log.debug({ gateway, ...times, ...receipt, provisional: piece.provisional }, 'transferred')
  } else if (event.kind === 'waiting') {
    const { kind, text, until } = event.reason ?? {}
    if (kind === undefined) log.debug({ gateway }, 'the wait is over')
    else
      log.debug({ gateway, wait: kind, reason: text, until: until === undefined ? undefined : isoText(until) }, 'waits')
  }
}

interface Doing {
  readonly doing: string
  readonly until?: number | undefined
}

/** Only what has changed is written. */
function createActivityNotes(ledger: RunObserverParts['ledger'], clock: Clock): Observe {
  const noted = new Map<string, Activity>()
  return event => {
    const { gateway } = event
    const now = doingOf(event, clock.now())
    const before = noted.get(gateway)
    if (now === undefined || (before?.doing === now.doing && before.until === now.until)) return
    // in an outage one wait follows another: the beginning stays, the end changes
    const since = before?.doing === now.doing ? before.since : clock.now()
    const activity = { gateway, doing: now.doing, since, until: now.until }
    noted.set(gateway, activity)
    ledger.activity.note(activity)
  }
}

function doingOf(event: RunEvent, now: number): Doing | undefined {
  if (event.kind === 'planned') return { doing: 'transferring' }
  // kept until the next event but the end of the request: one note a request is enough
  if (event.kind === 'requested') {
    const { after, until } = event.piece.range
    return { doing: `receiving entries of ${isoText(after)} … ${isoText(until)}` }
  }
  if (event.kind === 'waiting') return doingOfWait(event.reason) ?? { doing: 'transferring' }
  if (event.kind === 'failed')
    return { doing: `trying again after: ${event.failure.message}`, until: now + event.waitMs }
  if (event.kind === 'ended') {
    const { failure, reason } = event
    if (failure === undefined && reason !== undefined) return doingOfWait(reason)
    return {
      doing:
        failure === undefined ? 'idle until the next pass' : `failed, tries again in the next pass: ${failure.message}`,
    }
  }
  return undefined
}

function doingOfWait(reason: WaitReason | undefined): Doing | undefined {
  return reason && { doing: reason.text, until: reason.until }
}
