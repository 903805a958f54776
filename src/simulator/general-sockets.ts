import type { WebSocket } from 'ws'
import type { Dice } from './dice.ts'
import type { Entry } from './history.ts'
import type { LoadMeter } from './load.ts'
import type { Release } from './releases.ts'
import type { Script } from './script.ts'
import type { Session, Sessions } from './sessions.ts'
import type { Datapoint } from './site.ts'
import type { Stats } from './stats.ts'
import type { Store } from './store.ts'

interface GeneralParts {
  readonly release: Release
  readonly store: Store
  readonly load: LoadMeter
  readonly sessions: Sessions
  readonly stats: Stats
  readonly now: () => number
  /** A time with offset and zone, as `local` shows it. */
  readonly showTime: (ms: number) => string
  /** Real ms between status updates; 0 = none by themselves. */
  readonly statusMs: number
  readonly expiryClosesSockets: boolean
  /** The datapoints that can be subscribed to. */
  readonly datapoints: readonly Datapoint[]
  readonly dice: Dice
  readonly script: Script
}

/** The general-purpose sockets: they never end, and send what the gateway reports (protocol §6). */
export interface GeneralSockets {
  add(client: WebSocket, session: Session): void
  /** Sends `{action, payload}` to every socket, or to those of one login. */
  emit(action: string, payload: unknown, username?: string): void
  /** Replaces the list of the login: one list a login, the last one wins (§6.3). */
  subscribe(username: string, qualifiers: readonly string[]): void
  isSubscribed(username: string, qualifier: string): boolean
  /** Sends UPD:DATAPOINT for these entries to the sockets of the login. */
  update(username: string, entries: readonly Entry[]): void
  /** CPU updates come only after someone has switched them on (§6.1). */
  publishCpu(on: boolean): void
  /** Sends one round of status updates now. */
  sendStatus(): void
  close(): void
}

/** The key of this gateway in `{"<sc>":…}` payloads; id or name is not documented (§10.11). */
export const controllerName = 'SmartServer'

export function createGeneralSockets(parts: GeneralParts): GeneralSockets {
  const { release, stats, now } = parts
  const clients = new Map<WebSocket, Session>()
  const lists = new Map<string, ReadonlySet<string>>()
  let cpuPublished = false
  let toldUntil = now()
  let sentBefore = stats.entriesSent
  let statusAt = performance.now()

  function emit(action: string, payload: unknown, username?: string): void {
    const text = JSON.stringify({ action, payload })
    for (const [client, session] of clients) {
      if (username === undefined || session.username === username) client.send(text)
    }
  }

  function update(username: string, entries: readonly Entry[]): void {
    if (entries.length > 0) emit('UPD:DATAPOINT', entries.map(describeUpdate), username)
  }

  function describeUpdate({ datapoint, utcText, value }: Entry): object {
    const item = { datapointQualifier: datapoint.qualifier, value, locValue: value }
    return release.tellsTime ? { ...item, timestamp: `${utcText}Z[UTC]` } : item
  }

  /** What another page of the same login might watch. */
  function othersThan(list: ReadonlySet<string>): ReadonlySet<string> {
    const others = parts.datapoints.map(({ qualifier }) => qualifier).filter(qualifier => !list.has(qualifier))
    return new Set(others.slice(0, 10))
  }

  function sendStatus(): void {
    parts.script.look({ kind: 'anything' })
    if (parts.expiryClosesSockets) {
      for (const [client, session] of clients) if (!parts.sessions.isLiving(session.id)) client.terminate()
    }
    const at = performance.now()
    const perSecond = Math.round(((stats.entriesSent - sentBefore) * 1000) / Math.max(1, at - statusAt))
    sentBefore = stats.entriesSent
    statusAt = at
    emit(release.statusByController ? 'UPD:TOTAL_EPS' : 'UPD:EPS', perSecond)
    if (cpuPublished) {
      const cpu = parts.load.cpu()
      if (release.statusByController) emit('UPD:SC:CPU', { [controllerName]: cpu })
      else emit('UPD:CPU', cpu)
    }
    if (release.tellsTime) emit('NTF:TIME', { value: parts.showTime(now()) })
    const until = now()
    for (const [username, own] of lists) {
      const list = parts.dice.strikes('stealSubscription') ? othersThan(own) : own
      lists.set(username, list)
      const filter = (datapoint: Datapoint) => list.has(datapoint.qualifier)
      update(username, [...parts.store.read(filter, toldUntil, until)])
    }
    // The clock may have been set back.
    toldUntil = until
  }

  const timer = parts.statusMs > 0 ? setInterval(() => clients.size > 0 && sendStatus(), parts.statusMs) : undefined
  timer?.unref()

  return {
    add(client, session) {
      if (clients.size === 0) toldUntil = now()
      clients.set(client, session)
      stats.openGeneralSockets = clients.size
      client.once('close', () => {
        clients.delete(client)
        stats.openGeneralSockets = clients.size
      })
    },
    emit,
    subscribe: (username, qualifiers) => void lists.set(username, new Set(qualifiers)),
    isSubscribed: (username, qualifier) => lists.get(username)?.has(qualifier) ?? false,
    update,
    publishCpu(on) {
      cpuPublished = on
    },
    sendStatus,
    close: () => clearInterval(timer),
  }
}
