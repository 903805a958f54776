import type https from 'node:https'
import type { Clock } from '../domain/clock.ts'
import { Failure } from '../domain/failure.ts'
import { isLoggedOut, type RestAnswer, type RestCall, restCall } from './rest.ts'
import { tooFast } from './too-fast.ts'

export interface SessionOptions {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly agent: https.Agent
  readonly clock: Clock
  /** Is told every answer's `Date` header: the gateway's clock. */
  readonly onDate: (date: string) => void
}

/** A borrowed login: valid until given back, even when a newer one has taken its place. */
export interface Lease {
  readonly cookie: string
  release(): void
}

interface Login {
  readonly cookie: string
  readonly renewAt: number
  users: number
  retired: boolean
}

/** Documented sample of `/iap/auth/sessionTimeout` (protocol §1); used where a gateway does not tell. */
const usualLifeMs = 86_400_000
/** The vendor's own flow waits this long after "too many failed login attempts". */
const lockedOutMs = 300_000
/** A gateway that forgets each login at once may have just started. */
const notHonouredMs = 120_000
/** A rejected password is not tried again before this: repeated tries lock the account (protocol §1). */
const rejectedMs = 1_800_000

/**
 * The login that all requests of a gateway share: made at first need, renewed at half its life (the new one before the
 * old is logged out, and the old only when nobody uses it any more), logged out on close.
 */
export class Session {
  readonly #options: SessionOptions
  #login: Login | undefined
  #pending: Promise<Login> | undefined
  #refused: { readonly failure: Failure; readonly until: number } | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Throws a Failure of reach `gateway` where the login is refused or no answer comes. */
  async lease(signal: AbortSignal): Promise<Lease> {
    const login = await this.#current(signal)
    login.users++
    let given = false
    return {
      cookie: login.cookie,
      release: () => {
        if (given) return
        given = true
        login.users--
        if (login.retired && login.users === 0) void this.#logout(login.cookie)
      },
    }
  }

  /** The gateway no longer knows this login: the next lease makes a new one. */
  expire(cookie: string): void {
    if (this.#login?.cookie === cookie) this.#login = undefined
  }

  /**
   * A REST call with the login; where the gateway says that it is not logged in, once more with a new one, then a
   * Failure; a Failure too where it asks for fewer requests. Any other status is the caller's business.
   */
  async call(call: RestCall, signal: AbortSignal): Promise<RestAnswer> {
    for (let attempt = 1; ; attempt++) {
      const lease = await this.lease(signal)
      try {
        const answer = await this.#rest({ ...call, cookie: lease.cookie }, signal)
        if (answer.status === 429) throw tooFast(answer.headers['retry-after'])
        if (!isLoggedOut(answer)) return answer
        this.expire(lease.cookie)
        if (attempt === 2) throw loginNotHonoured(answer.status)
      } finally {
        lease.release()
      }
    }
  }

  async close(): Promise<void> {
    const login = this.#login
    this.#login = undefined
    if (login !== undefined) await this.#logout(login.cookie)
  }

  async #current(signal: AbortSignal): Promise<Login> {
    const { clock } = this.#options
    if (this.#login !== undefined && clock.now() < this.#login.renewAt) return this.#login
    if (this.#refused !== undefined && clock.now() < this.#refused.until) throw this.#refused.failure
    this.#pending ??= this.#renew(signal).finally(() => {
      this.#pending = undefined
    })
    return await this.#pending
  }

  async #renew(signal: AbortSignal): Promise<Login> {
    const old = this.#login
    const login = await this.#logIn(signal)
    this.#login = login
    if (old !== undefined) {
      old.retired = true
      if (old.users === 0) void this.#logout(old.cookie)
    }
    return login
  }

  async #logIn(signal: AbortSignal): Promise<Login> {
    const { username, password, clock } = this.#options
    const answer = await this.#rest({ method: 'POST', path: '/iap/auth/login', json: { username, password } }, signal)
    const refusal = loginRefusal(answer, username)
    if (refusal !== undefined) {
      this.#refused = { failure: refusal, until: clock.now() + (refusal.retryAfterMs ?? 0) }
      throw refusal
    }
    this.#refused = undefined
    const cookie = sessionCookie(answer)
    const lifeMs = await this.#lifeOf(cookie, signal)
    return { cookie, renewAt: clock.now() + lifeMs / 2, users: 0, retired: false }
  }

  async #lifeOf(cookie: string, signal: AbortSignal): Promise<number> {
    const answer = await this.#rest({ method: 'GET', path: '/iap/auth/sessionTimeout', cookie }, signal)
    const lifeMs = answer.status === 200 ? Number(answer.body) : Number.NaN
    return Number.isFinite(lifeMs) && lifeMs > 0 ? lifeMs : usualLifeMs
  }

  /** Wiki says PUT, all vendor code POST (protocol §1). Best effort: an unused login ends by itself. */
  async #logout(cookie: string): Promise<void> {
    const signal = AbortSignal.timeout(2_000)
    try {
      const { status } = await this.#rest({ method: 'PUT', path: '/iap/auth/logout', cookie }, signal)
      if (status >= 400) await this.#rest({ method: 'POST', path: '/iap/auth/logout', cookie }, signal)
    } catch {
      // the gateway is gone or slow: nothing is lost
    }
  }

  async #rest(call: RestCall, signal: AbortSignal): Promise<RestAnswer> {
    const answer = await restCall(this.#options.url, this.#options.agent, call, signal)
    const { date } = answer.headers
    if (typeof date === 'string') this.#options.onDate(date)
    return answer
  }
}

function loginRefusal({ status, headers, body }: RestAnswer, username: string): Failure | undefined {
  if (status === 200) return undefined
  if (status === 401 || status === 403)
    return new Failure(`the gateway rejects the login of "${username}"`, {
      code: 'login-rejected',
      retry: 'never',
      reach: 'gateway',
      retryAfterMs: rejectedMs,
      advice:
        'Check username and password. It is not tried again for half an hour, because repeated tries lock the account.',
    })
  if (status === 429) {
    // the wording is the only thing that tells the two cases apart (protocol §1, vendor's Web Connector)
    if (!/failed login/i.test(body)) return tooFast(headers['retry-after'])
    return new Failure('the gateway has locked the login after too many failed ones', {
      code: 'login-locked',
      retry: 'later',
      reach: 'gateway',
      retryAfterMs: lockedOutMs,
    })
  }
  return new Failure(`the gateway answers the login with status ${status}`, {
    code: 'login-failed',
    retry: status >= 500 ? 'soon' : 'later',
    reach: 'gateway',
    advice:
      'Check that url leads to a SmartServer (port 8443 up to release 2.7). After its start it may need up to 8 minutes.',
  })
}

export function loginNotHonoured(status: number): Failure {
  return new Failure(`the gateway does not honour its own login (status ${status})`, {
    code: 'login-not-honoured',
    retry: 'later',
    reach: 'gateway',
    retryAfterMs: notHonouredMs,
  })
}

function sessionCookie({ headers }: RestAnswer): string {
  const cookies = headers['set-cookie']
  const found = (Array.isArray(cookies) ? cookies : [cookies ?? '']).find(cookie => cookie.startsWith('cmsSID='))
  if (found !== undefined) return found.split(';')[0]!
  throw new Failure('the gateway accepts the login but sets no cookie cmsSID', {
    code: 'no-cookie',
    retry: 'later',
    reach: 'gateway',
    advice: 'Check that url leads to a SmartServer, without a proxy that strips cookies.',
  })
}
