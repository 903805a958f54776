import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { startChild } from './child.ts'
import type { PeerInput, PeerOutput } from './peer.ts'
import { openBenchSite } from './site.ts'
import { countText, type Row } from './table.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const hourMs = 3_600_000
const most = 150
/** The same, but for what the garbage collector happens to leave lying about. */
const sameWithin = 1.15

/** Resident memory of the program as it is published, at its peak, for few entries and for many. */
export async function measureMemory(isLong: boolean, say: (text: string) => void): Promise<Row[]> {
  const program = await build()
  try {
    const few = await peak(program.main, 29, say)
    const many = await peak(program.main, (isLong ? 5_000_000 : 2_000_000) / 3_440, say)
    return [
      {
        name: 'Resident memory at its peak',
        measured: `${few.megabytes} MB for ${countText(few.entries)} entries, ${many.megabytes} MB for ${countText(many.entries)}`,
        target: `≤ ${most} MB, and the same`,
        isMet: Math.max(few.megabytes, many.megabytes) <= most && many.megabytes <= few.megabytes * sameWithin,
        numbers: {
          fewEntries: few.entries,
          fewMegabytes: few.megabytes,
          manyEntries: many.entries,
          manyMegabytes: many.megabytes,
        },
      },
    ]
  } finally {
    await program.remove()
  }
}

/** Run from its sources, Node's own compiler would be counted too. */
async function build(): Promise<{ readonly main: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'smartserver-etl-bench-'))
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], {
    cwd: root,
  })
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return { main: join(folder, 'dist/main.js'), remove: () => rm(folder, { recursive: true, force: true }) }
}

async function peak(main: string, hours: number, say: (text: string) => void) {
  const until = Date.UTC(2026, 5, 1)
  const after = until - Math.round(hours * hourMs)
  const gateway = { devices: 40, interval: 60, historyStart: after - hourMs }
  const peer = await startChild<PeerOutput>('peer.ts', { gateway } satisfies PeerInput)
  const site = await openBenchSite(peer.said)
  const usage = join(site.folder, 'peak')
  const noteAtExit = `import { writeFileSync } from 'node:fs'
process.on('exit', () => writeFileSync(${JSON.stringify(usage)}, String(process.resourceUsage().maxRSS)))`
  try {
    const range = ['--from', new Date(after).toISOString(), '--to', new Date(until).toISOString()]
    const { stdout } = await run(process.execPath, [
      ...['--import', `data:text/javascript,${encodeURIComponent(noteAtExit)}`],
      ...[main, 'backfill', '--config', site.file, ...range, '--json'],
    ])
    const entries = (JSON.parse(stdout) as { written: number }).written
    const megabytes = Math.round(Number(await readFile(usage, 'utf8')) / 1024)
    say(`${countText(entries)} entries: ${megabytes} MB`)
    return { entries, megabytes }
  } finally {
    await site.remove()
    await peer.stop()
  }
}
