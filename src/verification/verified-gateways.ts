import type { DeadLetterBox } from '../dead-letters/dead-letters.ts'
import { pointsInLetters } from '../dead-letters/dead-points.ts'
import type { Clock } from '../domain/clock.ts'
import type { Point } from '../domain/point.ts'
import type { EntryReader } from '../entries/entry-reader.ts'
import type { RunSource } from '../pipeline/job.ts'
import type { Throttle } from '../pipeline/throttle.ts'
import type { WindowLimits } from '../planning/window.ts'
import type { Mapping } from '../points/mapping.ts'
import type { Settling } from '../sinks/settle.ts'
import type { Sink } from '../sinks/sink.ts'
import { createRepair } from './repair.ts'
import { rereadRange } from './reread.ts'
import type { VerifyParts } from './verify.ts'

/** A configured gateway. */
interface VerifiedGateway {
  readonly source: RunSource
  readonly mapping: Mapping
  readonly throttle: Throttle
  /** Reads dead letters by the configuration of today. */
  readonly readLetter: EntryReader
}

interface VerifiedGatewaysParts {
  readonly sink: Sink
  readonly clock: Clock
  readonly deadLetters: DeadLetterBox
  /** The folder of the dead letters. */
  readonly folder: string
  readonly requests: WindowLimits
  readonly settling: Settling
  /** False for a database that does not keep times and numbers to the last digit. */
  readonly isExact: boolean
  /** False for a database that cannot replace a value. */
  readonly overwrites: boolean
  /** True: what differs is written again. */
  readonly repairs: boolean
}

/** The gateways as a verification sees them: it reads ranges from them again, through their throttles (law 7). */
export function createVerifiedGateways(
  gateways: readonly VerifiedGateway[],
  { sink, clock, deadLetters, folder, requests, settling, isExact, overwrites, repairs }: VerifiedGatewaysParts,
  signal: AbortSignal,
): NonNullable<VerifyParts['gateways']> {
  const byName = new Map(gateways.map(gateway => [gateway.source.name, gateway]))
  return {
    isConfigured: name => byName.has(name),
    reread({ gateway, selector, series, proof, found }, range) {
      const { source, mapping, throttle, readLetter: read } = byName.get(gateway)!
      const job = {
        ...{ source, mapping, throttle, sink, series, clock, requests, settling, isExact, overwrites },
        knownMissing: proof === undefined || found === undefined ? 0 : proof - found,
        isDeadLetter: (points: readonly Point[]) => pointsInLetters(points, { folder, gateway, read }),
        repair: repairs ? createRepair({ sink, mapping, deadLetters }) : undefined,
      }
      return rereadRange(selector, range, job, signal)
    },
    reaches({ gateway, selector, range }) {
      const { source } = byName.get(gateway)!
      const keptMs = source.retentionOf([selector])
      return keptMs === undefined || range.after >= source.clock.now() - keptMs
    },
  }
}
