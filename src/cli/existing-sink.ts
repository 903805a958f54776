import { existsSync } from 'node:fs'
import { type AppParts, openSink } from '../app.ts'
import type { Config } from '../config/config.ts'
import { hasManifest } from '../sinks/bundle/manifest.ts'
import type { Sink } from '../sinks/sink.ts'
import { readSinkId } from '../sinks/sqlite/file.ts'

/** The sink for a command that only looks at it: what is not there yet is not made. The caller closes it. */
interface ExistingSink {
  readonly label: string
  /** Undefined where there is none yet. */
  readonly id: string | undefined
  /** Undefined too for an SQLite file: its id is read without opening it for writing, which a read-only disk refuses. */
  readonly sink: Sink | undefined
}

/** Throws a Failure where the file or folder is none of ours. */
export async function findExistingSink(config: Config, parts: AppParts): Promise<ExistingSink> {
  const { sink } = config
  if (sink.kind === 'sqlite') {
    const id = existsSync(sink.path) ? readSinkId(sink.path) : undefined
    return { label: `SQLite ${sink.path}`, id, sink: undefined }
  }
  if (sink.kind === 'bundle' && !hasManifest(sink.path))
    return { label: `bundle ${sink.path}`, id: undefined, sink: undefined }
  const found = await openSink(config, parts)
  return { label: found.label, id: found.id, sink: found }
}
