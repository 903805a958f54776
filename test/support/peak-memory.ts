import { type Ended, runProgram } from './program.ts'

const sign = 'peak of memory: '
// not ru_maxrss: a process inherits that of the one that started it
const source = `import{readFileSync}from'node:fs';process.on('exit',()=>process.stderr.write('${sign}'+/VmHWM:\\s*(\\d+) kB/.exec(readFileSync('/proc/self/status','utf8'))[1]+' KiB'))`

/** The program, and the most memory that it had. */
export async function runMeasured(args: readonly string[]): Promise<Ended & { readonly peakMiB: number }> {
  const options = `--import=data:text/javascript,${encodeURIComponent(source)}`
  const ended = await runProgram(args, { env: { NODE_OPTIONS: options } })
  const kib = new RegExp(`${sign}(\\d+) KiB`).exec(ended.stderr)?.[1]
  if (kib === undefined) throw new Error(`no ${sign.trim()} in ${ended.stderr}`)
  return { ...ended, peakMiB: Number(kib) / 1024 }
}
