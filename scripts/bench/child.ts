import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Programs beside this file take their input as one JSON argument and print one JSON line. */
type Program = 'peer.ts' | 'ours.ts' | 'by-hand.ts'

export interface Started<Output> {
  readonly said: Output
  stop(): Promise<void>
}

/** Runs a program to its end. Throws when it fails. */
export async function runChild<Output>(program: Program, input: object): Promise<Output> {
  const child = start(program, input)
  const line = firstLine(child)
  const [code] = await once(child, 'close')
  const said = await line
  if (code !== 0 || said === undefined) throw new Error(`${program} ended with ${code}`)
  return JSON.parse(said) as Output
}

/** Starts a program that goes on after its line. */
export async function startChild<Output>(program: Program, input: object): Promise<Started<Output>> {
  const child = start(program, input)
  const said = await firstLine(child)
  if (said === undefined) throw new Error(`${program} did not start`)
  return {
    said: JSON.parse(said) as Output,
    async stop() {
      const closed = once(child, 'close')
      child.kill()
      await closed
    },
  }
}

function start(program: Program, input: object): ChildProcess {
  const options = { stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'] }
  return spawn(process.execPath, [join(import.meta.dirname, program), JSON.stringify(input)], options)
}

async function firstLine({ stdout }: ChildProcess): Promise<string | undefined> {
  for await (const line of createInterface({ input: stdout! })) return line
  return undefined
}
