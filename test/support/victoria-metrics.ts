import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { startProcess } from './server-process.ts'

/** One series as `/api/v1/export` gives it: milliseconds, the metric's name in `__name__`. */
export interface ExportedSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly number[]
  readonly timestamps: readonly number[]
}

/** A real VictoriaMetrics on a free port, with its files in a new folder. */
export interface VictoriaMetrics {
  readonly url: string
  /** All of its files. */
  readonly folder: string
  /** The process: SIGKILL, SIGSTOP and SIGCONT. */
  signal(name: NodeJS.Signals): void
  /** Ends the process; the files and the port stay for `start`. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Everything stored that matches, recent writes included. */
  export(match: string): Promise<readonly ExportedSeries[]>
  /** Makes recent writes visible to queries. */
  flush(): Promise<void>
  close(): Promise<void>
}

export async function openVictoriaMetrics({ retentionPeriod = '100y', dedup = '1ms' } = {}): Promise<VictoriaMetrics> {
  const folder = await mkdtemp(join(tmpdir(), 'victoria-metrics-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const flags = [
    `-storageDataPath=${folder}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    `-retentionPeriod=${retentionPeriod}`,
    // With 0s a sample that is written again is kept, and exported, twice.
    `-dedup.minScrapeInterval=${dedup}`,
  ]
  const start = () => startProcess('victoria-metrics', flags, async () => (await fetch(`${url}/health`)).ok)
  let process = await start()
  async function flush() {
    await (await fetch(`${url}/internal/force_flush`)).text()
  }
  return {
    url,
    folder,
    flush,
    signal: name => process.signal(name),
    stop: () => process.stop(),
    async start() {
      process = await start()
    },
    async export(match) {
      await flush()
      const response = await fetch(`${url}/api/v1/export?${new URLSearchParams({ 'match[]': match })}`)
      const lines = (await response.text()).split('\n').filter(line => line !== '')
      return lines.map((line): ExportedSeries => JSON.parse(line))
    },
    async close() {
      await process.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
