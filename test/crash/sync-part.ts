import { setTimeout as pause } from 'node:timers/promises'
import { mix } from '../../src/simulator/random.ts'
import { differences, isSame } from '../support/differences.ts'
import { type Running, runProgram, startProgram } from '../support/program.ts'
import { expectedCells } from '../support/truth.ts'
import type { PartOptions } from './backfill-part.ts'
import { createBag } from './blows.ts'
import { readClaims } from './claims.ts'
import { differencesText } from './record.ts'
import { runUnderBlows } from './run-under-blows.ts'
import { openStage, type Stage } from './stage.ts'
import { runToTheEnd } from './to-the-end.ts'

const where = 'sync'
/** Longer than all that the program may wait after trouble. */
const catchUpMs = 120_000

/**
 * A sync every second over a gateway that logs as time goes on, a third of it late. After the last blow it must catch
 * up by itself, but for parked ranges, which rest an hour: those a backfill brings. Then everything is compared.
 */
export async function syncUnderBlows(part: PartOptions): Promise<void> {
  const start = Date.now() - 60_000
  const stage = await openStage({
    sink: 'influxdb',
    gateway: {
      seed: mix(part.seed, 2, 0),
      devices: 5,
      interval: 0.2,
      historyStart: start,
      fractionDigits: 6,
      oddities: { late: 0.3, lateMs: 1_500, sameMs: 0.01 },
    },
    sockets: 1,
    settings: { sync: { every: '1s', settle: '0s', lateness: '3s', since: '12h' } },
  })
  try {
    const { history } = stage.gateway
    const words = ['sync', '--config', stage.site.file]
    const survivor = await runUnderBlows(stage, {
      ...part,
      where,
      draw: createBag(part.random),
      start: () => startProgram(words),
      stoppedCodes: [0],
      until: () => stage.gateway.current.now(),
      whole: () => expectedCells(history, start - 1, stage.gateway.current.now()).length,
    })
    if ('done' in survivor) part.record.finding(`${where}: ended by itself: ${survivor.done.stderr.slice(-500)}`)
    else await comeToAnEnd(stage, survivor.running, start, part)
  } finally {
    await stage.close()
  }
}

async function comeToAnEnd(stage: Stage, running: Running, start: number, { record }: PartOptions): Promise<void> {
  const { gateway, site } = stage
  const until = gateway.current.now()
  const parked = await caughtUp(stage, start, until)
  running.child.kill('SIGTERM')
  const { code, stderr } = await running.ended
  if (code !== 0) record.finding(`${where}: SIGTERM at the end: ${code}: ${stderr.slice(-500)}`)
  if (parked === undefined)
    record.finding(`${where}: did not catch up within ${catchUpMs / 1000} s after the last blow`)
  const words = ['--from', new Date(start - 1).toISOString(), '--to', new Date(until).toISOString()]
  const backfill = ['backfill', '--config', site.file, ...words]
  const filled = await runToTheEnd(stage, await runProgram(backfill), backfill)
  if (filled.code !== 0)
    record.finding(
      `${where}: not complete at the end (${filled.code}): ${filled.stderr.slice(-500)}${filled.stdout.slice(-500)}`,
    )

  const stored = await stage.stored()
  const expected = expectedCells(gateway.history, start - 1, until)
  const { lost, changed } = differences(stored, expected)
  const { extra } = differences(stored, expectedCells(gateway.history, start - 1, gateway.current.now()))
  const found = { lost, changed, extra }
  const rest = parked ? `, ${parked} parked ranges by a backfill` : ''
  record.say(
    `${where}: caught up${rest}; ${expected.length.toLocaleString('en')} values read back: ${differencesText(found)}`,
  )
  if (!isSame(found)) record.finding(`${where}, at the end: ${differencesText(found)}`)
  if (stage.drafts().length > 0) record.finding(`${where}: drafts are left behind: ${stage.drafts().join(', ')}`)
}

/** How many ranges are parked when all others are final; undefined when that does not come to be. */
async function caughtUp(stage: Stage, start: number, until: number): Promise<number | undefined> {
  const deadline = performance.now() + catchUpMs
  while (performance.now() < deadline) {
    const claims = await readClaims(stage)
    const isWhole = claims.every(({ final, parked }) => covers([...final, ...parked], start, until))
    if (isWhole) return claims.reduce((sum, { parked }) => sum + parked.length, 0)
    await pause(1_000)
  }
  return undefined
}

function covers(ranges: readonly { after: number; until: number }[], start: number, until: number): boolean {
  let reached = start
  for (const range of ranges.toSorted((a, b) => a.after - b.after))
    if (range.after <= reached) reached = Math.max(reached, range.until)
  return reached >= until
}
