import type { Selector } from '../domain/datapoint.ts'
import type { Failure } from '../domain/failure.ts'
import { isoText } from '../domain/instant.ts'
import type { Remarks } from '../domain/remark.ts'
import type { Piece } from '../planning/backlog.ts'
import { isImpossibleClock } from '../planning/clock-premise.ts'
import { rulesFor } from '../planning/rule-changes.ts'
import { gatewayFailure } from '../smartserver/failures.ts'
import { doubtsAnswer } from './answer-premise.ts'
import type { ClockLook } from './clock-watch.ts'
import { transferFailure } from './failures.ts'
import type { GatewayJob, RunParts } from './job.ts'
import type { TransferParts, TransferProof } from './transfer.ts'
import type { Work } from './work.ts'

type ProofRecord = Pick<TransferParts, 'judge' | 'record'>

/**
 * Judges what one transfer of a run proves by the premises that it rests on, and records it together with them (law 14).
 * `start`: the gateway's clock before the request. `onDoubt`: the answer was improbable, and its range is provisional. `remarks` are those of
 * all complete transfers.
 */
export function createProofRecord(
  { piece, work, start }: { readonly piece: Piece; readonly work: Work; readonly start: ClockLook },
  job: GatewayJob,
  { sink, ledger, database }: RunParts,
  noted: { readonly onDoubt: () => void; readonly remarks: Remarks },
): ProofRecord {
  const { source, rules, clockWatch, keptMs } = job
  const { selectors, range, group, provisional: isEarly } = piece
  const { generation } = database

  function judge(proof: TransferProof): boolean {
    const lost = lostClock(job)
    if (lost !== undefined) throw lost
    // a part of it may have been written to what is no longer there
    if (generation !== database.generation) throw transferFailure('database-changed', `${sink.label} has lost points`)
    if (isEarly || !doubtsAnswer(piece, proof, job, ledger, sink.id)) return isEarly
    noted.onDoubt()
    return true
  }

  function record(proof: TransferProof, provisional: boolean): void {
    const { received, tookMs } = proof.receipt
    const window = { group, ms: work.windows.adapt(group, { range, received, tookMs }) }
    const listing = source.listing()
    const end = clockWatch.look()
    const premises = {
      clock: {
        reading: end.reading,
        before: clockWatch.livedUntil(start),
        during: clockWatch.livedBetween(start, end),
        newestEntry: proof.newestEntry,
      },
      isListed: (selector: Selector) => listing?.has(selector) !== false,
      rulesFor: (selector: Selector) => rulesFor(selector, rules),
    }
    const request = { gateway: source.name, selectors, range }
    ledger.complete({ ...proof, ...premises, sink: sink.id, request, provisional, window, keptMs })
    clockWatch.recorded(end)
    noted.remarks.addAll(proof.remarks)
  }

  return { judge, record }
}

/** A gateway that starts without a battery: nothing is asked for by its clock, and no proof is taken back by it. */
export function lostClock({ clockWatch }: Pick<GatewayJob, 'clockWatch'>): Failure | undefined {
  const { reading } = clockWatch.look()
  if (!isImpossibleClock(reading)) return undefined
  return gatewayFailure('gateway-clock-lost', `the clock of the gateway shows ${isoText(reading.gateway)}`)
}
