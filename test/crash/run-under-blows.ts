import { setTimeout as pause } from 'node:timers/promises'
import { isSame } from '../support/differences.ts'
import type { Ended, Running } from '../support/program.ts'
import { type Blow, type Random, type Struck, strike } from './blows.ts'
import { type Claims, checkClaims } from './claims.ts'
import { differencesText, type Record, shareText } from './record.ts'
import type { Stage } from './stage.ts'

/** Law 10 says 5 s; the rest is for the process itself on a busy machine. */
const stopWithinMs = 6_500
/** A program that ends by itself so often, without a blow between, does not get on. */
const mostFailuresInARow = 15
/** Our own words for what must not be, and Node's last line after an error that was not caught. */
const brokeDown = /this is a bug|^Node\.js v\d/m
const staleLock = /in use by another process/

export interface BlowsOptions {
  readonly where: string
  readonly start: () => Running
  readonly draw: (stage: Stage) => Blow
  readonly random: Random
  /** False: no more blows, the program shall come to its end undisturbed. */
  readonly goesOn: () => boolean
  /** Exit codes that a program which was asked to stop may have. */
  readonly stoppedCodes: readonly number[]
  /** Nothing later was logged so far, ms UTC. */
  readonly until: () => number
  /** Cells that there are up to then. */
  readonly whole: () => number
  readonly record: Record
}

/** What the program had when the blows ended: still at work, or ended by itself with all done. */
export type Survivor = { readonly running: Running } | { readonly done: Ended }

/**
 * Runs the program, again and again, until it says that it is done or no blow is left. After each blow, what the
 * ledger claims is compared with the database.
 */
export async function runUnderBlows(stage: Stage, options: BlowsOptions): Promise<Survivor> {
  let running: Running | undefined
  const start = () => {
    running = options.start()
    return running
  }
  try {
    return await blows(stage, { ...options, start })
  } catch (error) {
    running?.child.kill('SIGKILL')
    throw error
  }
}

async function blows(stage: Stage, options: BlowsOptions): Promise<Survivor> {
  const { start, draw, random, goesOn, record } = options
  let running = start()
  let failures = 0
  for (;;) {
    const waitMs = 200 + random() ** 2 * 3_000
    const started = performance.now()
    const ended = await Promise.race([running.ended, pause(waitMs)])
    if (ended !== undefined) {
      if (ended.code === 0 || isBroken(ended, options)) return { done: ended }
      record.say(`ended by itself with ${ended.code}: ${lastWords(ended.stderr)}`)
      if (++failures > mostFailuresInARow) {
        record.finding(
          `${options.where}: ended ${failures} times in a row without getting on: ${ended.stderr.slice(-500)}`,
        )
        return { done: ended }
      }
      running = start()
      continue
    }
    if (!goesOn()) return { running }
    failures = 0
    const struck = await strike(draw(stage), stage, running, random)
    const afterMs = performance.now() - started
    if (struck.signal !== undefined) {
      judgeStop(struck, await running.ended, options)
      running = start()
    }
    const claims = await checkClaims(stage, options.until)
    const found = stage.isDurableAtOnce ? claims.found : { ...claims.found, lost: [] }
    tell({ ...claims, found }, struck, Math.min(afterMs, waitMs), options)
  }
}

function tell({ claimed, found }: Claims, { what, signal }: Struck, afterMs: number, options: BlowsOptions): void {
  const { record, where, whole } = options
  record.blow({
    where,
    what,
    isKill: signal === 'SIGKILL',
    afterMs,
    result: `${shareText(claimed, whole())}: ${differencesText(found)}`,
  })
  if (!isSame(found)) record.finding(`${where}, after blow ${record.blows}: ${differencesText(found)}`)
}

/** A program that ends by itself with a failure must know it, and no lock that a dead one has left may be why. */
function isBroken({ code, stderr }: Ended, { where, record }: BlowsOptions): boolean {
  const said = stderr.slice(-800)
  if (code === undefined || brokeDown.test(stderr))
    record.finding(`${where}: the program broke down (${code}): ${said}`)
  else if (staleLock.test(stderr)) record.finding(`${where}: a stale owner lock was in the way: ${said}`)
  else if (code === 2) record.finding(`${where}: the program did not take its configuration: ${said}`)
  else return false
  return true
}

function judgeStop({ what, signal, endedAfterMs = 0 }: Struck, { code, stderr }: Ended, options: BlowsOptions): void {
  const { where, record, stoppedCodes } = options
  if (endedAfterMs > stopWithinMs)
    record.finding(`${where}: ${what}: it took ${(endedAfterMs / 1000).toFixed(1)} s to end`)
  if (brokeDown.test(stderr) || /in use by another process/.test(stderr))
    record.finding(`${where}: ${what}: ${stderr.slice(-800)}`)
  // undefined: killed, or not yet come so far as to listen to signals. 0, 1 and 3: it ended by itself before.
  if (signal === 'SIGKILL' || code === undefined || [0, 1, 3, ...stoppedCodes].includes(code)) return
  record.finding(`${where}: ${what}: ended with ${code}: ${stderr.slice(-500)}`)
}

/** The last line that is not advice. */
function lastWords(stderr: string): string {
  const lines = stderr.trim().split('\n')
  return (lines.findLast(line => !line.startsWith('  ')) ?? '').slice(0, 160)
}
