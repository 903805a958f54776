import type { z } from 'zod'
import { type Selector, selectorKey } from '../domain/datapoint.ts'

/*
 * Options that must agree with each other. All of these run although another option of the section is wrong, so that
 * one look shows everything: a value may then still be as written, whatever its type says.
 * `params.instead` names the key to point at where the one in the path is not in the file (a default).
 */

type Run = { when: (payload: z.core.ParsePayload) => boolean }

/** When to check a section: whenever it is a map at all. */
export const whateverOptions: Run = {
  when: ({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

export const whateverItems: Run = { when: ({ value }) => Array.isArray(value) }

type Context = z.core.$RefinementCtx

export function inOrder(smaller: string, larger: string) {
  return (values: Readonly<Record<string, unknown>>, context: Context) => {
    const [low, high] = [values[smaller], values[larger]]
    if (typeof low === 'number' && typeof high === 'number' && low > high)
      context.addIssue({
        code: 'custom',
        path: [smaller],
        params: { instead: larger },
        message: `${smaller} must not exceed ${larger}`,
      })
  }
}

/** Re-reads are gathered over a lateness, and come only to what is still wanted then. */
export function roomForRereads({ since, lateness }: Readonly<Record<string, unknown>>, context: Context): void {
  if (typeof since === 'number' && typeof lateness === 'number' && since < 3 * lateness)
    context.addIssue({
      code: 'custom',
      path: ['since'],
      params: { instead: 'lateness' },
      message: 'since must be at least three times lateness, or late entries would not be looked for any more',
    })
}

export function oneTrust(tls: { ca?: unknown; fingerprint256?: unknown; verify?: unknown }, context: Context): void {
  const [first, second] = Object.keys(tls).filter(key => key !== 'verify' || tls.verify === false)
  if (first !== undefined && second !== undefined)
    context.addIssue({ code: 'custom', path: [second], message: `contradicts ${first}: give one of the two` })
}

const optionsOfVersion: Readonly<Record<1 | 2 | 3, readonly string[]>> = {
  1: ['database', 'retentionPolicy', 'username', 'password'],
  2: ['org', 'bucket', 'token'],
  3: ['database', 'token'],
}

/** Which options go with which version of InfluxDB. VictoriaMetrics takes version 2 without a bucket, and a login. */
export function versionOptions(influxdb: { version?: unknown; [option: string]: unknown }, context: Context): void {
  const { version } = influxdb
  if (version !== 1 && version !== 2 && version !== 3) return
  const own = optionsOfVersion[version]
  const isVictoria = influxdb['server'] === 'victoria-metrics'
  const allowed = isVictoria ? [...own, 'username', 'password'] : own
  const known = new Set(Object.values(optionsOfVersion).flat())
  const strange = [...known].filter(key => influxdb[key] !== undefined && !allowed.includes(key))
  for (const key of strange) {
    const versions = ([1, 2, 3] as const).filter(it => optionsOfVersion[it].includes(key))
    context.addIssue({
      code: 'custom',
      path: [key],
      message: `belongs to version: ${versions.join(' or ')}, but this is version: ${version}`,
    })
  }
  if (strange.length > 0) return
  const needed = version === 2 ? (isVictoria ? [] : ['org', 'bucket']) : ['database']
  for (const key of needed.filter(name => influxdb[name] === undefined))
    context.addIssue({ code: 'custom', path: [key], message: `"${key}" is missing (version ${version} needs it)` })
  const { database } = influxdb
  if (version === 3 && typeof database === 'string' && !/^[A-Za-z0-9][\w-]{0,63}$/.test(database))
    context.addIssue({
      code: 'custom',
      path: ['database'],
      message:
        'InfluxDB 3 takes names of ASCII letters, digits, "_" and "-" that begin with a letter or digit (64 at most)',
    })
  if ((influxdb['username'] === undefined) !== (influxdb['password'] === undefined)) {
    const [lonely, missing] = influxdb['username'] === undefined ? ['password', 'username'] : ['username', 'password']
    context.addIssue({ code: 'custom', path: [lonely], message: `needs a ${missing} beside it` })
  }
}

/** Two gateways at one address would be two guests where one socket is allowed. */
export function distinctAddresses(
  gateways: Readonly<Record<string, { url?: unknown } | null>>,
  context: Context,
): void {
  const names = new Map<string, string>()
  for (const [name, gateway] of Object.entries(gateways)) {
    const url = gateway?.url
    if (typeof url !== 'string') continue
    const earlier = names.get(url)
    if (earlier === undefined) names.set(url, name)
    else context.addIssue({ code: 'custom', path: [name, 'url'], message: `${earlier} has this address already` })
  }
}

/** No two rules for the same datapoints, and no two devices under one name in the database. */
export function distinctDatapoints(datapoints: readonly { selector: Selector }[], context: Context): void {
  const wrong = new Set(context.issues.map(issue => issue.path?.[0]))
  const rules = new Map<string, number>()
  const owners = new Map<string, string>()
  const names = new Map<string, string>()
  for (const [i, datapoint] of datapoints.entries()) {
    if (wrong.has(i)) continue
    const { selector } = datapoint
    const earlier = rules.get(selectorKey(selector))
    if (earlier !== undefined) {
      context.addIssue({ code: 'custom', path: [i], message: `the same as number ${earlier + 1} of this list` })
      continue
    }
    rules.set(selectorKey(selector), i)
    const { device } = selector
    if (device === undefined) continue
    const name = 'id' in device ? device.as : device.name
    const owner = selectorKey({ device })
    if ((owners.get(name) ?? owner) !== owner)
      context.addIssue({
        code: 'custom',
        path: [i],
        message: 'another device has this name already: their points would be one series',
      })
    else if ((names.get(owner) ?? name) !== name)
      context.addIssue({ code: 'custom', path: [i], message: 'this device has another name above: give it one' })
    owners.set(name, owner)
    names.set(owner, name)
  }
}
