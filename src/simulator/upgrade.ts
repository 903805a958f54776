import type { IncomingMessage } from 'node:http'
import type { Dice } from './dice.ts'
import type { FaultSettings } from './faults.ts'
import type { GeneralSockets } from './general-sockets.ts'
import type { OpenedSocket, Refusal } from './listener.ts'
import type { LogRequest } from './log-service.ts'
import { retryAfter } from './retry-after.ts'
import { readSessionId, type Sessions } from './sessions.ts'
import type { Stats } from './stats.ts'

interface UpgradeParts {
  readonly sessions: Sessions
  readonly stats: Stats
  readonly dice: Dice
  readonly faults: () => FaultSettings
  readonly general: GeneralSockets
  readonly upgradeRefusal: number
  readonly maxLogSockets: number
  readonly now: () => number
  serveLog(request: LogRequest): void
}

/** Decides about a WebSocket upgrade: the status it is refused with, or who serves the socket. */
export function createUpgrade(
  parts: UpgradeParts,
): (request: IncomingMessage) => Refusal | ((opened: OpenedSocket) => void) {
  const { sessions, stats, dice, general } = parts
  return request => {
    const url = request.url ?? '/'
    const at = url.indexOf('?')
    const query = at < 0 ? '' : url.slice(at + 1)
    const refuse = (status: number): Refusal => {
      stats.refusedUpgrades += 1
      return { status, retryAfter: status === 503 ? retryAfter(parts.faults(), parts.now()) : undefined }
    }
    if ((at < 0 ? url : url.slice(0, at)) !== '/iap/ws') return refuse(404)
    if (dice.strikes('refuseUpgrade')) return refuse(dice.pick(parts.faults().refuseWith))
    const session = sessions.find(readSessionId(request.headers.cookie))
    if (session === undefined) return refuse(parts.upgradeRefusal)
    // Without a query it is the general-purpose socket, which never ends (protocol §6).
    if (query === '') return ({ client }) => general.add(client, session)
    if (parts.maxLogSockets > 0 && stats.openLogSockets >= parts.maxLogSockets) return refuse(503)
    return opened => parts.serveLog({ ...opened, query, session })
  }
}
