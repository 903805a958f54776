import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { makeCertificate } from './certificate.ts'
import { createFrameFormat } from './frames.ts'
import { createHistory, type Entry, type History } from './history.ts'
import { createLogService } from './log-service.ts'
import { fillOptions, type SimulatorOptions } from './options.ts'
import { createPace } from './pace.ts'
import { releases } from './releases.ts'
import { answerRest, type RestParts } from './rest.ts'
import { createSessions, readSessionId } from './sessions.ts'
import { buildSite } from './site.ts'
import { createStats, type Stats } from './stats.ts'
import { openZone } from './timestamps.ts'

/** A running gateway. */
export interface Simulator {
  /** `https://127.0.0.1:port` */
  readonly url: string
  readonly port: number
  /** SHA-256 of the certificate, `AB:CD:…`. */
  readonly fingerprint256: string
  readonly certificatePem: string
  /** What the gateway has stored: the truth that a database is compared with. */
  readonly history: History
  readonly stats: Stats
  /** The text frame the log socket sends for an entry. */
  frame(entry: Entry): string
  /** Ends every session at once, as a reboot of the gateway does. */
  expireSessions(): void
  /** Cuts every connection and frees the port. Safe to call again: everyone gets the same promise. */
  close(): Promise<void>
}

/** Starts a gateway; resolves when it listens. Throws RangeError for a bad option, and what `listen` throws. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = fillOptions(options)
  const { now } = settings
  const release = releases[settings.release]
  const certificate = await makeCertificate(settings.host)
  const history = createHistory(buildSite(settings.devices), {
    seed: settings.seed,
    intervalMs: settings.interval * 1000,
    start: settings.historyStart,
    fractionDigits: settings.fractionDigits,
  })
  const accounts = new Map([...Object.entries(settings.accounts), [settings.username, settings.password]])
  const sessions = createSessions(
    {
      accounts,
      timeoutMs: settings.sessionTimeoutMs,
      sliding: settings.slidingSessions,
      lockAfter: settings.lockAfter,
      lockMs: settings.lockMs,
    },
    now,
  )
  const stats = createStats()
  const frame = createFrameFormat({ release, zone: openZone(settings.zone) })
  const pace = createPace(settings.cost)
  const serveLog = createLogService({ history, release, frame, pace, stats, now, badQuery: settings.badQuery })
  const rest: RestParts = {
    release,
    sessions,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    stats,
    now,
    route: () => undefined,
  }

  const server = createServer({ key: certificate.keyPem, cert: certificate.certificatePem }, (request, response) => {
    answerRest(request, response, rest).catch(() => response.destroy())
  })
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const url = request.url ?? '/'
    const at = url.indexOf('?')
    if ((at < 0 ? url : url.slice(0, at)) !== '/iap/ws') return refuseUpgrade(socket, 404)
    if (sessions.find(readSessionId(request.headers.cookie)) === undefined) {
      stats.refusedUpgrades += 1
      return refuseUpgrade(socket, settings.upgradeRefusal)
    }
    const query = at < 0 ? '' : url.slice(at + 1)
    sockets.handleUpgrade(request, socket, head, client => {
      client.on('error', () => client.terminate())
      // Without a query it is the general-purpose socket, which never ends (protocol §6).
      if (query !== '') serveLog(client, socket, query)
    })
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(settings.port, settings.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo

  let closing: Promise<void> | undefined
  return {
    url: `https://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
    port,
    fingerprint256: certificate.fingerprint256,
    certificatePem: certificate.certificatePem,
    history,
    stats,
    frame,
    expireSessions: sessions.expireAll,
    close() {
      closing ??= new Promise(resolve => {
        for (const client of sockets.clients) client.terminate()
        sockets.close()
        server.close(() => resolve())
        server.closeAllConnections()
      })
      return closing
    },
  }
}

const refusals: Readonly<Record<number, string>> = {
  302: '302 Found\r\nLocation: /cms',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${refusals[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
