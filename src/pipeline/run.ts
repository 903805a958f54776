import { addReceipt, emptyReceipt, type Receipt } from '../domain/receipt.ts'
import { runGateway } from './gateway-run.ts'
import type { GatewayJob, GatewayOutcome, RunParts } from './job.ts'

export interface RunOutcome {
  readonly gateways: readonly GatewayOutcome[]
  readonly requests: number
  readonly receipt: Receipt
  readonly tookMs: number
}

/**
 * All gateways at once: one's trouble never delays another's. What reaches the sink or the whole run stops all of them,
 * cleanly, and is thrown; so is an abort.
 */
export async function run(jobs: readonly GatewayJob[], parts: RunParts, signal: AbortSignal): Promise<RunOutcome> {
  const started = parts.clock.now()
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  let trouble: { readonly error: unknown } | undefined
  const settled = await Promise.all(
    jobs.map(job =>
      runGateway(job, parts, either).catch(error => {
        trouble ??= { error }
        stop.abort(error)
        return undefined
      }),
    ),
  )
  if (trouble !== undefined) throw trouble.error
  const gateways = settled.filter(outcome => outcome !== undefined)
  const receipt = emptyReceipt()
  for (const outcome of gateways) addReceipt(receipt, outcome.receipt)
  const requests = gateways.reduce((sum, outcome) => sum + outcome.requests, 0)
  return { gateways, requests, receipt, tookMs: parts.clock.now() - started }
}
