import { randomBytes } from 'node:crypto'

export interface Session {
  readonly id: string
  readonly username: string
}

interface SessionSettings {
  readonly accounts: ReadonlyMap<string, string>
  readonly timeoutMs: number
  /** Whether the life of a session starts anew with each use. Not documented (protocol §10.9). */
  readonly sliding: boolean
  readonly lockAfter: number
  readonly lockMs: number
}

type LoginAnswer = { readonly session: Session } | { readonly refused: 'password' | 'locked' }

export interface Sessions {
  login(username: string, password: string): LoginAnswer
  /** The living session with this id; using it keeps a sliding session alive. */
  find(id: string | undefined): Session | undefined
  /** Whether the session still lives; asking does not count as use. */
  isLiving(id: string): boolean
  logout(id: string): void
  /** Ends every session at once, as a reboot of the gateway does. */
  expireAll(): void
  readonly count: number
}

/** The logins of a gateway. Times are those of `now`, ms UTC. */
export function createSessions(settings: SessionSettings, now: () => number): Sessions {
  const living = new Map<string, { session: Session; endsAt: number }>()
  let failures = 0
  let lockedUntil = Number.NEGATIVE_INFINITY

  return {
    login(username, password) {
      if (now() < lockedUntil) return { refused: 'locked' }
      const expected = settings.accounts.get(username)
      if (expected === undefined || expected !== password) {
        failures += 1
        if (failures < settings.lockAfter) return { refused: 'password' }
        failures = 0
        lockedUntil = now() + settings.lockMs
        return { refused: 'locked' }
      }
      failures = 0
      const session = { id: randomBytes(24).toString('base64url'), username }
      living.set(session.id, { session, endsAt: now() + settings.timeoutMs })
      return { session }
    },
    find(id) {
      const found = id === undefined ? undefined : living.get(id)
      if (found === undefined) return undefined
      if (now() >= found.endsAt) {
        living.delete(found.session.id)
        return undefined
      }
      if (settings.sliding) found.endsAt = now() + settings.timeoutMs
      return found.session
    },
    isLiving(id) {
      const found = living.get(id)
      return found !== undefined && now() < found.endsAt
    },
    logout: id => void living.delete(id),
    expireAll: () => living.clear(),
    get count() {
      return living.size
    },
  }
}

/** The `cmsSID` of a Cookie header. */
export function readSessionId(cookie: string | undefined): string | undefined {
  for (const part of (cookie ?? '').split(';')) {
    const at = part.indexOf('=')
    if (at > 0 && part.slice(0, at).trim() === 'cmsSID') return part.slice(at + 1).trim()
  }
  return undefined
}
