#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { keepHeapSmall } from './cli/heap.ts'
import { createLog, logLevels } from './cli/log.ts'
import { exitCode, exitCodeOfFailure, tellFailure } from './cli/outcome.ts'
import { runProgram } from './cli/program.ts'
import { systemClock } from './cli/system-clock.ts'
import { createTerminal } from './cli/terminal.ts'
import { ownFailure, toFailure } from './domain/failure.ts'

/** A stop that takes longer than this is cut short: nothing is half-recorded at any moment (law 10). */
const stopWithinMs = 5_000

keepHeapSmall()
const terminal = createTerminal(process.stdout, process.stderr)
const stop = new AbortController()

for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(exitCode.interrupted)
    stop.abort(new DOMException(`stopped by ${name}`, 'AbortError'))
    setTimeout(() => process.exit(exitCode.interrupted), stopWithinMs).unref()
  })
// data must go on: a reader of the output may leave (head, a pager, a log driver), and the disk of the logs may be full
const outputGone = new AbortController()
process.stdout.on('error', error => {
  if (!outputGone.signal.aborted && !('code' in error && error.code === 'EPIPE'))
    terminal.say(`The output cannot be written: ${error.message}`)
  outputGone.abort()
})
process.stderr.on('error', () => {})

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const level = process.env['LOG_LEVEL'] || 'info'
if (!logLevels.includes(level)) {
  terminal.say(`LOG_LEVEL=${level}: expected one of ${logLevels.join(', ')}`)
  process.exit(exitCode.usage)
}
const log = createLog(level, terminal)
const { signal } = stop

try {
  const context = {
    terminal,
    clock: systemClock,
    log,
    signal,
    outputGone: outputGone.signal,
    env: process.env,
    cwd: process.cwd(),
  }
  process.exitCode = await runProgram(process.argv.slice(2), version, context)
} catch (error) {
  terminal.live('')
  const failure = toFailure(error)
  tellFailure(failure, terminal)
  if (ownFailure.is(failure, 'unexpected')) log.error({ err: failure.cause }, 'this is a bug: please report it')
  process.exitCode = exitCodeOfFailure(failure)
}
