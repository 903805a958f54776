import type { Frame } from '../../src/domain/entry.ts'
import { Failure } from '../../src/domain/failure.ts'
import type { TimeRange } from '../../src/domain/range.ts'
import type { DataLogRequest } from '../../src/domain/request.ts'
import type { RunSource } from '../../src/pipeline/job.ts'
import { logFrame } from './log-frames.ts'

export interface ScriptedGateway extends RunSource {
  /** Every range that was asked for, in order. */
  readonly asked: readonly TimeRange[]
  readonly hellos: number
  /** Requests under way, and the most there ever were. */
  readonly open: { now: number; most: number }
}

export interface GatewayScript {
  readonly name?: string
  readonly now: () => number
  /** Throws what saying hello shall fail with; counts from 1. */
  readonly hello?: (attempt: number) => void
  /** Throws what a request shall fail with; counts from 1. May wait. */
  /** The time of the one entry of a range; undefined: it is empty. */
  readonly entryAt?: (range: TimeRange) => number | undefined
  /** The times of all entries of a range, in place of one. */
  readonly frames?: (range: TimeRange) => readonly number[]
  readonly request?: (range: TimeRange, attempt: number, signal: AbortSignal) => void | Promise<void>
}

/** A gateway in memory: one entry at the end of each range that is asked for, unless its script says otherwise. */
export function scriptedGateway(script: GatewayScript): ScriptedGateway {
  const asked: TimeRange[] = []
  const open = { now: 0, most: 0 }
  let hellos = 0
  return {
    name: script.name ?? 'plant-a',
    clock: { now: script.now },
    asked,
    open,
    get hellos() {
      return hellos
    },
    async hello(signal) {
      signal.throwIfAborted()
      script.hello?.(++hellos)
    },
    hasOwnTime: () => true,
    listing: () => undefined,
    readListAgain: async () => {},
    expectedPerDay: () => undefined,
    retentionOf: () => undefined,
    retentionReadAt: () => undefined,
    problems: () => [],
    async *readDataLog({ range }: DataLogRequest, signal): AsyncGenerator<readonly Frame[]> {
      signal.throwIfAborted()
      asked.push(range)
      open.most = Math.max(open.most, ++open.now)
      try {
        await script.request?.(range, asked.length, signal)
        if (script.frames !== undefined) {
          const times = script.frames(range)
          if (times.length > 0) yield times.map(at => logFrame(at))
          return
        }
        const at = script.entryAt === undefined ? range.until : script.entryAt(range)
        if (at !== undefined) yield [logFrame(at)]
      } finally {
        open.now--
      }
    },
  }
}

/** A request that was cut short. */
export function noEnd(): Failure {
  return new Failure('the gateway closed the socket (1006) without "end"', {
    code: 'no-end',
    retry: 'soon',
    reach: 'request',
  })
}

/** A gateway that is switched off. */
export function unreachable(): Failure {
  return new Failure('the gateway cannot be reached (ECONNREFUSED)', {
    code: 'gateway-unreachable',
    retry: 'soon',
    reach: 'gateway',
  })
}
