import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

/** A real server in a separate process; what it prints is kept for the message when it does not come up. */
export interface ServerProcess {
  readonly pid: number
  signal(name: NodeJS.Signals): void
  /** Asks to end, and kills when that takes longer than 5 s. Idempotent. */
  stop(): Promise<void>
}

/** Resolves as soon as `isReady` says so; rejects if the process ends before, or after 20 s. */
export async function startProcess(
  command: string,
  args: readonly string[],
  isReady: () => Promise<boolean>,
): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      said = (said + text).slice(-4000)
    })
  const gone = once(child, 'exit')
  gone.catch(() => {})
  const deadline = Date.now() + 20_000
  while (!(await isReady().catch(() => false))) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`${command} ended:\n${said}`)
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${command} is not ready after 20 s:\n${said}`)
    }
    await pause(25)
  }
  return { pid: child.pid!, signal: name => child.kill(name), stop: () => endProcess(child, gone) }
}

async function endProcess(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  // A process that is held by SIGSTOP hears SIGTERM only after SIGCONT.
  child.kill('SIGCONT')
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await gone
  clearTimeout(killer)
}
