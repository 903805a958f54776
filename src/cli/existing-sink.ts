import { existsSync } from 'node:fs'
import { type AppParts, openSink } from '../app.ts'
import type { Config } from '../config/config.ts'
import { hasManifest } from '../sinks/bundle/manifest.ts'
import type { Sink } from '../sinks/sink.ts'

/** The sink as somebody finds it who only looks: what is not there yet is not made. Whoever finds it closes it. */
export interface ExistingSink {
  readonly label: string
  readonly sink: Sink | undefined
}

/** Throws a Failure where the file or folder is none of ours. */
export async function findExistingSink(config: Config, parts: AppParts): Promise<ExistingSink> {
  const { sink } = config
  if (sink.kind === 'sqlite' && !existsSync(sink.path)) return { label: `SQLite ${sink.path}`, sink: undefined }
  if (sink.kind === 'bundle' && !hasManifest(sink.path)) return { label: `bundle ${sink.path}`, sink: undefined }
  const found = await openSink(config, parts)
  return { label: found.label, sink: found }
}
