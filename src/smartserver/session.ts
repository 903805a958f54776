import type https from 'node:https'
import type { Clock } from '../domain/clock.ts'
import { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'
import type { ClockLook } from './gateway-clock.ts'
import { askLoginState, logIn, logOut } from './login.ts'
import { tooFast } from './rate-limit.ts'
import { isLoggedOut, type RestAnswer, type RestCall, restCall } from './rest.ts'

interface SessionOptions {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly agent: https.Agent
  readonly clock: Clock
  /** Called with every answer's `Date` header: the gateway's clock. */
  /** Called when a request is sent. */
  readonly lookAtClock: () => ClockLook
}

/** A borrowed login: valid until given back, even when a newer one has taken its place. */
export interface Lease {
  readonly cookie: string
  release(): void
}

/** An answer that looks as if the login had ended. */
export interface LoggedOutLook {
  /** What was asked: a path without its query, or a kind of socket. */
  readonly place: string
  /** True after a new login for the same call: another one would be no better. */
  readonly isRetry: boolean
  /** What the call fails with where the place is to blame. */
  readonly refusal: Failure
}

interface Login {
  readonly cookie: string
  renewAt: number
  /** The gateway has taken it somewhere. */
  isProven: boolean
  users: number
  retired: boolean
}

/** The gateway is not asked again about a login that a place refuses, and the login is renewed, after this. */
const blamedMs = 1_800_000
const whereToLook = 'The gateway takes this login elsewhere: look in the CMS what it may do.'
/** A gateway that is only busy must not be asked for a login at each of its refusals. */
const doubtAgainMs = 600_000
/** Bounded, whatever a gateway refuses (law 6): beyond it the oldest place is forgotten. */
const mostBlamed = 1_000

/**
 * The login that all requests of a gateway share: made at first need, renewed at half its life (the new one before the
 * old is logged out, and the old only when no request uses it any more), logged out on close.
 */
export class Session {
  readonly #options: SessionOptions
  /** Ends what belongs to no caller alone: a login that several wait for. */
  readonly #closing = new AbortController()
  readonly #blamed = new Map<string, number>()
  #doubtAgainAt = 0
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
        if (login.retired && login.users === 0) void logOut(this.#ask, login.cookie)
      },
    }
  }

  /**
   * Decides about an answer that looks logged out: resolves where the same call is worth a try with the next lease,
   * throws a Failure where it is not. The gateway is asked first whether it takes the login elsewhere.
   *
   *   the login is an older one already  → try again with the newer
   *   it lives                           → the place is to blame: that call fails, and the login is renewed in half an hour
   *   it has ended                       → try again with a new login
   *   it was never taken, or is a retry  → the gateway does not honour its own logins: no login for two minutes
   *
   * So a place that always looks logged out costs a login each half hour and not one a call (protocol §7: never hammer login).
   */
  async renounce(cookie: string, { place, isRetry, refusal }: LoggedOutLook, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const login = this.#login
    if (login?.cookie !== cookie) return
    if (clock.now() < (this.#blamed.get(place) ?? 0)) throw refusal.advising(whereToLook)
    const state = await askLoginState(this.#ask, cookie, signal)
    if (this.#login !== login) return
    if (state === 'alive') {
      this.#blame(place)
      login.renewAt = Math.min(login.renewAt, clock.now() + blamedMs)
      throw refusal.advising(whereToLook)
    }
    this.#login = undefined
    if (!isRetry && login.isProven) return
    throw this.#refuse(
      gatewayFailure('login-not-honoured', 'the gateway does not honour its own login', { cause: refusal }),
    )
  }

  /**
   * A gateway may answer a login that has ended with 503, as if it were busy. True: the same call is worth a try with the
   * next lease. Where the gateway answers with 503 whatever it is asked, a new login is tried now and then.
   */
  async mayHaveEnded(cookie: string, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options
    const login = this.#login
    if (login?.cookie !== cookie) return true
    if (clock.now() < this.#doubtAgainAt) return false
    const state = await askLoginState(this.#ask, cookie, signal)
    if (this.#login !== login) return true
    if (state === 'alive') return false
    if (state === 'unknown') this.#doubtAgainAt = clock.now() + doubtAgainMs
    this.#login = undefined
    return true
  }

  /**
   * A REST call with the login; where the gateway says that it is not logged in, once more with a new one if that may
   * help: see `renounce`. Throws a Failure too where it asks for fewer requests. Any other status is the caller's
   * business.
   */
  async call(call: RestCall, signal: AbortSignal): Promise<RestAnswer> {
    const place = call.path.split('?')[0]!
    for (let attempt = 1; ; attempt++) {
      const lease = await this.lease(signal)
      try {
        const answer = await this.#ask({ ...call, cookie: lease.cookie }, signal)
        if (answer.status === 429) throw tooFast(answer.headers)
        if (attempt === 1 && isBusy(answer) && (await this.mayHaveEnded(lease.cookie, signal))) continue
        if (!isLoggedOut(answer)) {
          this.honoured(lease.cookie, place)
          return answer
        }
        const refusal = looksLoggedOut(`${call.method} ${place}`, answer.status)
        await this.renounce(lease.cookie, { place, isRetry: attempt > 1, refusal }, signal)
      } finally {
        lease.release()
      }
    }
  }

  /** The gateway has taken the login there: neither is to blame for what is refused later. */
  honoured(cookie: string, place: string): void {
    this.#blamed.delete(place)
    // recent releases show their version without a login (protocol §1)
    if (this.#login?.cookie === cookie && place !== '/iap/version') this.#login.isProven = true
  }

  async close(): Promise<void> {
    this.#closing.abort(closed())
    await this.#pending?.catch(() => {})
    const login = this.#login
    this.#login = undefined
    if (login !== undefined) await logOut(this.#ask, login.cookie)
  }

  async #current(signal: AbortSignal): Promise<Login> {
    const now = this.#options.clock.now()
    if (this.#login !== undefined && now < this.#login.renewAt) return this.#login
    if (this.#refused !== undefined && now < this.#refused.until)
      throw this.#refused.failure.retryingAfter(this.#refused.until - now)
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined
    })
    return await unlessAborted(this.#pending, signal)
  }

  /** Shared by all who wait for it: one that stops waiting must not take it from the others. */
  async #renew(): Promise<Login> {
    const { clock } = this.#options
    const old = this.#login
    try {
      const { cookie, lifeMs, isProven } = await logIn(this.#ask, this.#options, this.#closing.signal)
      const login = { cookie, renewAt: clock.now() + lifeMs / 2, isProven, users: 0, retired: false }
      this.#refused = undefined
      this.#login = login
      if (old !== undefined) this.#retire(old)
      return login
    } catch (error) {
      throw error instanceof Failure ? this.#refuse(error) : error
    }
  }

  /** No login is made before the failure's wait is over. */
  #refuse(failure: Failure): Failure {
    if (failure.retryAfterMs !== undefined)
      this.#refused = { failure, until: this.#options.clock.now() + failure.retryAfterMs }
    return failure
  }

  #retire(login: Login): void {
    if (login.retired) return
    login.retired = true
    if (login.users === 0) void logOut(this.#ask, login.cookie)
  }

  #blame(place: string): void {
    this.#blamed.delete(place)
    this.#blamed.set(place, this.#options.clock.now() + blamedMs)
    if (this.#blamed.size > mostBlamed) this.#blamed.delete(this.#blamed.keys().next().value!)
  }

  readonly #ask = async (call: RestCall, signal: AbortSignal): Promise<RestAnswer> => {
    const look = this.#options.lookAtClock()
    const answer = await restCall(this.#options.url, this.#options.agent, call, signal)
    const { date } = answer.headers
    if (typeof date === 'string') look.date(date)
    return answer
  }
}

async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  // a caller that has stopped hears nothing of its failure
  work.catch(() => {})
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** One that says how long to wait is busy, and its answer has nothing to do with the login. */
function isBusy({ status, headers }: RestAnswer): boolean {
  return status === 503 && headers['retry-after'] === undefined
}

function looksLoggedOut(asked: string, status: number): Failure {
  return gatewayFailure(
    'rest-not-logged-in',
    `the gateway answers ${asked} as if there were no login (status ${status})`,
  )
}

function closed(): Failure {
  return gatewayFailure('session-closed', 'the connection to the gateway is closed')
}
