import type { Ledger } from '../ledger/ledger.ts'
import type { GatewayJob } from './job.ts'

/** Keeps what the gateway has told of its log since it was kept last: "status" says what is at risk without asking it. */
export function keepTold({ source, selectors }: Pick<GatewayJob, 'source' | 'selectors'>, ledger: Ledger): void {
  const at = source.toldAt()
  if (at === undefined || ledger.retentions(source.name)?.at === at) return
  const told = selectors.flatMap(selector => {
    const ms = source.retentionOf([selector])
    return ms === undefined ? [] : [[selector, ms] as const]
  })
  ledger.noteRetentions(source.name, at, new Map(told))
}
