import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Config } from './config.ts'

/** Settings that work and that someone should know of: one line each, for the log of a run and for `check`. */
export function configWarnings(file: string, config: Omit<Config, 'warnings'>, holdsSecrets: boolean): string[] {
  const warnings: string[] = []
  if (holdsSecrets && isReadByAll(file))
    warnings.push(
      `${basename(file)} holds a password or token, and every user of this machine can read it: chmod 600 it, or put the secret into a variable or a file of its own`,
    )
  for (const { name, tls } of config.gateways)
    if (tls.kind === 'none')
      warnings.push(
        `${name}: with tls.verify: false any machine that answers at its address gets the password: pin its certificate (tls: { fingerprint256: … }), which "check" shows`,
      )
  const { sink } = config
  if (sink.kind !== 'influxdb' || !sink.url.startsWith('http:') || isThisMachine(sink.url)) return warnings
  const what = sink.token === undefined ? (sink.password === undefined ? undefined : 'password') : 'token'
  if (what !== undefined)
    warnings.push(`the ${what} of the database goes over the network as plain text: use https:// in ${sink.url}`)
  return warnings
}

function isReadByAll(file: string): boolean {
  const others = 0o004
  return process.platform !== 'win32' && (statSync(file).mode & others) !== 0
}

function isThisMachine(url: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname)
}
