import type { GatewayLimits } from '../config/config.ts'
import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import type { Outage, Sink } from '../sinks/sink.ts'
import { type Circuit, createCircuit } from './circuit.ts'
import { createRest, type Gate, type TellWait, type WaitReason } from './gate.ts'

export type RequestLimits = Pick<GatewayLimits, 'sockets' | 'pause' | 'requestsPerMinute' | 'patience'>

interface ThrottleParts {
  readonly limits: RequestLimits
  readonly clock: Clock
  /** The gateway's own: its CPU, its quiet hours. */
  readonly gates: readonly Gate[]
  /** The sink that the entries go to; undefined: none. */
  readonly sink: Pick<Sink, 'ready'> | undefined
}

/**
 * Decides when the next data-log request to one gateway may begin (law 7). It is made once and lives as long as the
 * process: a limit holds across passes, and for runs, re-reading and recording alike.
 */
export interface Throttle {
  readonly circuit: Circuit
  /**
   * Resolves when a request may begin; the caller must then call `ended`. Resolves with `isAdmitted: false` as soon as it
   * is known that no request may begin before the deadline (ms UTC by the host's clock). Rejects when the signal aborts.
   */
  admit(signal: AbortSignal, deadline?: number | undefined, tell?: TellWait): Promise<Admission>
  /** The same for a login: an open circuit alone makes it wait, and `ended` is not called. */
  admitLogin(signal: AbortSignal, deadline?: number | undefined, tell?: TellWait): Promise<Admission>
  /**
   * The admitted request ended, or was `unused`: no request was made. Starts the rest, opens or closes the circuit.
   * Returns how long this socket rests, ms.
   */
  ended(result: 'ok' | 'stopped' | 'unused' | Failure): number
}

interface Admission {
  readonly isAdmitted: boolean
  /** Where it is not admitted: what it would have had to wait for; undefined: the deadline has passed. */
  readonly reason?: WaitReason | undefined
}

/** CPU and quiet hours are looked at again after this long: nothing says when they change. */
const lookAgainMs = 2_000
/** A clock may be set in the midst of a wait. */
const longestSleepMs = 60_000
/** A shorter wait is the ordinary rhythm of requests. */
const worthTellingMs = 2_000

export function createThrottle({ limits, clock, gates, sink }: ThrottleParts): Throttle {
  const { sockets, pause, requestsPerMinute } = limits
  const circuit = createCircuit(clock, limits.patience)
  const gapMs = 60_000 / requestsPerMinute
  const rate = createRest(clock)
  let rests: { readonly left: () => number; readonly reason: Pick<WaitReason, 'kind' | 'text'> }[] = []
  let underWay = 0

  /** A socket counts as taken while its request is under way and while it rests. */
  const socketGate: Gate = () => {
    rests = rests.filter(({ left }) => left() > 0)
    if (underWay + rests.length < sockets) return undefined
    const [first] = rests.toSorted((a, b) => a.left() - b.left())
    if (first === undefined) return { kind: 'pause', text: 'waiting for another request to end', until: undefined }
    return { ...first.reason, until: clock.now() + first.left() }
  }

  const rateGate: Gate = () => {
    const left = rate.left()
    if (left <= 0) return undefined
    return {
      kind: 'rate-limit',
      text: `waiting: at most ${requestsPerMinute} requests a minute`,
      until: clock.now() + left,
    }
  }

  const gatewayGates: readonly Gate[] = [circuit.gate, ...gates, socketGate, rateGate]

  /** `take` is called in the same moment in which all gates are open: no other request can come between. */
  async function pass(
    { passed, database, take }: { passed: readonly Gate[]; database: ThrottleParts['sink']; take: () => void },
    signal: AbortSignal,
    deadline = Number.POSITIVE_INFINITY,
    tell: TellWait = () => {},
  ): Promise<Admission> {
    let noted: WaitReason | undefined
    const note = (reason: WaitReason | undefined) => {
      if (reason?.text !== noted?.text || reason?.until !== noted?.until) tell(reason)
      noted = reason
    }
    const noteOutage = (outage: Outage | undefined) => note(outage && databaseAway(outage))
    for (;;) {
      signal.throwIfAborted()
      await database?.ready?.(signal, { deadline, tell: noteOutage })
      const now = clock.now()
      const reason = passed.map(gate => gate()).find(it => it !== undefined)
      if (now >= deadline || (reason?.until !== undefined && reason.until >= deadline)) {
        return { isAdmitted: false, reason: reason ?? noted }
      }
      if (reason === undefined) {
        note(undefined)
        take()
        return { isAdmitted: true }
      }
      const leftMs = reason.until === undefined ? lookAgainMs : reason.until - now
      if (reason.until === undefined || leftMs >= worthTellingMs) note(reason)
      await clock.sleep(Math.min(leftMs, longestSleepMs, deadline - now), signal)
    }
  }

  function take(): void {
    underWay++
    rate.start(gapMs)
  }

  return {
    circuit,
    admit: (signal, deadline, tell) => pass({ passed: gatewayGates, database: sink, take }, signal, deadline, tell),
    admitLogin: (signal, deadline, tell) =>
      pass({ passed: [circuit.gate], database: undefined, take: () => {} }, signal, deadline, tell),
    ended(result) {
      underWay--
      if (result === 'unused') {
        rate.start(0)
        return 0
      }
      if (result === 'ok') circuit.succeeded()
      let waitMs = pause
      let reason: Pick<WaitReason, 'kind' | 'text'> = { kind: 'pause', text: 'waiting: pause between requests' }
      if (typeof result !== 'string') {
        waitMs = Math.max(pause, circuit.failed(result))
        if (waitMs > pause) reason = { kind: 'failed-request', text: `trying again after: ${result.message}` }
      }
      const rest = createRest(clock)
      rest.start(waitMs)
      rests.push({ left: rest.left, reason })
      return rest.left()
    },
  }
}

export function databaseAway({ since, reason }: Outage): WaitReason {
  return { kind: 'database', text: `waiting for the database since ${isoText(since)}: ${reason}`, until: undefined }
}
