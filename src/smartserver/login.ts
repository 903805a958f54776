import type { Failure } from '../domain/failure.ts'
import { gatewayFailure } from './failures.ts'
import { tooFast } from './rate-limit.ts'
import { isLoggedOut, type RestAnswer, type RestCall } from './rest.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

type Ask = (call: RestCall, signal: AbortSignal) => Promise<RestAnswer>

interface Account {
  readonly username: string
  readonly password: string
}

/** What the gateway has given for an account. */
interface FreshLogin {
  readonly cookie: string
  readonly lifeMs: number
  /** The gateway has taken the cookie once: what refuses it is another trouble than the login. */
  readonly isProven: boolean
}

/** Documented sample of `/iap/auth/sessionTimeout` (protocol §1); used where a gateway does not report it. */
const usualLifeMs = 86_400_000
/** A shorter life is taken for a slip (seconds, say): a login every few seconds would be no way to treat a gateway. */
const shortestLifeMs = 600_000
/** A login is renewed once a week at least, whatever the gateway says about its life. */
const longestLifeMs = 14 * 86_400_000

/** Calls that need a login and nothing else: what the gateway says there is about the login itself (protocol §1). */
const lifePath = '/iap/auth/sessionTimeout'
const probePaths = [lifePath, '/iap/users/current']

/** Throws a Failure of reach `gateway` where the login is refused or no answer comes. */
export async function logIn(ask: Ask, { username, password }: Account, signal: AbortSignal): Promise<FreshLogin> {
  const answer = await ask({ method: 'POST', path: '/iap/auth/login', json: { username, password } }, signal)
  const refusal = loginRefusal(answer, username)
  if (refusal !== undefined) throw refusal
  const cookie = sessionCookie(answer)
  try {
    const answer = await ask({ method: 'GET', path: lifePath, cookie }, signal)
    return { cookie, lifeMs: lifeOf(answer), isProven: !isLoggedOut(answer) }
  } catch (error) {
    // a login that cannot be used is ended
    await logOut(ask, cookie)
    throw error
  }
}

function lifeOf({ status, body }: RestAnswer): number {
  const lifeMs = status === 200 ? Number(body) : Number.NaN
  return Number.isFinite(lifeMs) && lifeMs >= shortestLifeMs ? Math.min(lifeMs, longestLifeMs) : usualLifeMs
}

/** Wiki says PUT, all vendor code POST (protocol §1). Best effort: an unused login ends by itself. */
export async function logOut(ask: Ask, cookie: string): Promise<void> {
  const signal = AbortSignal.timeout(2_000)
  try {
    const { status } = await ask({ method: 'PUT', path: '/iap/auth/logout', cookie }, signal)
    if (status >= 400) await ask({ method: 'POST', path: '/iap/auth/logout', cookie }, signal)
  } catch {
    // the gateway is gone or slow: nothing is lost
  }
}

/** `alive`: the gateway knows it somewhere. `unknown`: it answers with internal errors and has not checked the login. */
type LoginState = 'alive' | 'ended' | 'unknown'

/** Asks the gateway about a login. Throws a Failure where no answer comes, or fewer requests are wanted. */
export async function askLoginState(ask: Ask, cookie: string, signal: AbortSignal): Promise<LoginState> {
  let state: LoginState = 'unknown'
  for (const path of probePaths) {
    const answer = await ask({ method: 'GET', path, cookie }, signal)
    if (answer.status === 429) throw tooFast(answer.headers)
    if (answer.status >= 500) continue
    if (!isLoggedOut(answer)) return 'alive'
    state = 'ended'
  }
  return state
}

function loginRefusal({ status, headers, body }: RestAnswer, username: string): Failure | undefined {
  if (status === 200) return undefined
  if (status === 401 || status === 403)
    return gatewayFailure('login-rejected', `the gateway rejects the login of "${username}"`)
  if (status === 429) {
    // only the wording distinguishes the two cases (protocol §1, vendor's Web Connector)
    if (!/failed login/i.test(body)) return tooFast(headers)
    return gatewayFailure('login-locked', 'the gateway has locked the login after too many failed ones')
  }
  return gatewayFailure('login-failed', `the gateway answers the login with status ${status}`, {
    retry: status >= 500 ? 'soon' : 'later',
  })
}

function sessionCookie({ headers }: RestAnswer): string {
  const cookie = cookieOf(headers, 'cmsSID')
  if (cookie !== undefined) return cookie
  throw gatewayFailure('no-cookie', 'the gateway accepts the login but sets no cookie cmsSID')
}

/**
 * `name=value` as a browser would send it back after this answer (RFC 6265): of several with one name the last counts, and
 * one that has expired is a deletion. Undefined: there is none.
 */
export function cookieOf(headers: Headers, name: string): string | undefined {
  const lines = [headers['set-cookie'] ?? []].flat()
  let found: string | undefined
  for (const line of lines) {
    const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
    const equals = pair.indexOf('=')
    if (equals === -1 || pair.slice(0, equals).trim() !== name) continue
    const value = pair.slice(equals + 1).trim()
    const hasExpired = isExpired(new Map(attributes.map(splitAttribute)), Date.parse(String(headers['date'])))
    found = value === '' || hasExpired ? undefined : `${name}=${value}`
  }
  return found
}

function splitAttribute(text: string): [string, string] {
  const [key = '', ...rest] = text.split('=')
  return [key.trim().toLowerCase(), rest.join('=').trim()]
}

/** `Max-Age` takes precedence over `Expires`, which is compared with the gateway's own clock. */
function isExpired(attributes: ReadonlyMap<string, string>, now: number): boolean {
  const age = attributes.get('max-age')
  if (age !== undefined && /^-?\d+$/.test(age)) return Number(age) <= 0
  const expires = Date.parse(attributes.get('expires') ?? '')
  // without a clock to compare with, only the customary 1970 is a deletion
  return expires <= (Number.isNaN(now) ? 86_400_000 : now)
}
