import { execFile } from 'node:child_process'
import type { Ended } from './program.ts'

/** A line for bash: what it sets holds for the program that it starts. */
export function runInShell(line: string): Promise<Ended> {
  return new Promise(done => {
    execFile('bash', ['-c', line], { encoding: 'utf8' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined
      done({ code, stdout, stderr })
    })
  })
}
