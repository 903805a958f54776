import { rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { letterFiles } from '../../src/dead-letters/letter-files.ts'
import { readLetterLines } from '../../src/dead-letters/letter-lines.ts'
import { type Ended, runProgram } from '../support/program.ts'
import type { Stage } from './stage.ts'

const attempts = 5
/** What a frame that is no entry is rejected for. */
const frameReasons: ReadonlySet<string> = new Set([
  'not-json',
  'not-an-entry',
  'no-utc',
  'bad-utc',
  'no-value',
  'no-device',
  'no-datapoint',
])

/**
 * Runs the backfill again, undisturbed, until it ends with 0. Blows may have parked ranges, and frames that are no
 * entry became dead letters: these keep exit code 3, so they are removed, if they are nothing but such frames.
 */
export async function runToTheEnd(stage: Stage, ended: Ended, words: readonly string[]): Promise<Ended> {
  let last = ended
  for (let attempt = 0; attempt < attempts && last.code !== 0; attempt++) {
    await pause(200)
    if (last.code === 3) await removeFramesThatAreNoEntries(stage)
    last = await runProgram(words)
  }
  return last
}

async function removeFramesThatAreNoEntries(stage: Stage): Promise<void> {
  for (const path of letterFiles(stage.letters)) {
    for await (const { letter } of readLetterLines(path))
      if (letter !== undefined && !frameReasons.has(letter.reason)) return
    await rm(path)
  }
}
