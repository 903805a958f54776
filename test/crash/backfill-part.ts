import { mix } from '../../src/simulator/random.ts'
import { differences, isSame } from '../support/differences.ts'
import { startProgram } from '../support/program.ts'
import { expectedCells } from '../support/truth.ts'
import { createBag, type Random } from './blows.ts'
import { checkClaims } from './claims.ts'
import { differencesText, type Record } from './record.ts'
import { runUnderBlows } from './run-under-blows.ts'
import { openStage, type SinkKind, type Stage } from './stage.ts'
import { runToTheEnd } from './to-the-end.ts'

const dayMs = 86_400_000
const daysOfLog = 30

export interface PartOptions {
  readonly seed: number
  readonly random: Random
  /** False: the part comes to its end. */
  readonly goesOn: () => boolean
  readonly record: Record
}

/**
 * Backfills, one after the other, each into a new database until it is complete: some ten blows fall into each of
 * them. Then everything is read back and compared.
 */
export async function backfillUnderBlows(sink: SinkKind, part: PartOptions): Promise<void> {
  const draw = createBag(part.random)
  for (let round = 1; part.goesOn(); round++) {
    const until = Math.floor(Date.now() / dayMs) * dayMs
    const after = until - daysOfLog * dayMs
    const { random } = part
    const stage = await openStage({
      sink,
      gateway: {
        seed: mix(part.seed, 1, round),
        devices: 6,
        interval: 300,
        historyStart: after - dayMs,
        // VictoriaMetrics keeps milliseconds
        fractionDigits: sink === 'victoria-metrics' ? 3 : 6,
        cost: { secondsPerRequest: 0.05, entriesPerSecond: 3_000 },
        oddities: { nullValues: 0.01, sameMs: sink === 'victoria-metrics' ? 0 : 0.01, nullNames: 0.1 },
      },
      sockets: 1 + Math.floor(random() * 2),
      settings: { requests: { longest: ['12h', '2d', '7d'][Math.floor(random() * 3)] } },
    })
    try {
      await playRound(stage, { after, until }, `${sink}, round ${round}`, { ...part, draw })
    } finally {
      await stage.close()
    }
  }
}

async function playRound(
  stage: Stage,
  range: { readonly after: number; readonly until: number },
  where: string,
  part: PartOptions & { readonly draw: ReturnType<typeof createBag> },
): Promise<void> {
  const { record } = part
  const { file } = stage.site
  const words = ['backfill', '--config', file, '--from', text(range.after), '--to', text(range.until), '--json']
  const expected = expectedCells(stage.gateway.history, range.after, range.until, stage.isWanted)
  const survivor = await runUnderBlows(stage, {
    ...part,
    where,
    start: () => startProgram(words),
    stoppedCodes: [130],
    until: () => range.until,
    whole: () => expected.length,
  })
  const ended = 'done' in survivor ? survivor.done : await survivor.running.ended
  const last = await runToTheEnd(stage, ended, words)
  if (last.code !== 0)
    record.finding(
      `${where}: not complete at the end (${last.code}): ${last.stderr.slice(-500)}${last.stdout.slice(-500)}`,
    )
  const found = differences(await stage.stored(), expected)
  const { claimed } = await checkClaims(stage, () => range.until)
  record.say(`${where}: complete, ${expected.length.toLocaleString('en')} values read back: ${differencesText(found)}`)
  if (!isSame(found)) record.finding(`${where}, at the end: ${differencesText(found)}`)
  if (claimed !== expected.length)
    record.finding(`${where}: complete, but the ledger claims ${claimed} of ${expected.length}`)
  if (stage.drafts().length > 0) record.finding(`${where}: drafts are left behind: ${stage.drafts().join(', ')}`)
}

function text(ms: number): string {
  return new Date(ms).toISOString()
}
