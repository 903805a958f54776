import type { Logger } from 'pino'
import { isoText } from '../domain/instant.ts'
import type { RunEvent } from './job.ts'

/** Logs every transfer, for whoever looks closely, and hands all events on. */
export function logTransfers(log: Logger, observe: (event: RunEvent) => void): (event: RunEvent) => void {
  return event => {
    if (event.kind === 'done') {
      const { gateway, receipt } = event
      const { range, provisional } = event.piece
      const times = { after: isoText(range.after), until: isoText(range.until) }
      log.debug({ gateway, ...times, ...receipt, provisional }, 'transferred')
    }
    observe(event)
  }
}
