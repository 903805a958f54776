import { existsSync } from 'node:fs'
import { type AppParts, openGateway, openSink } from '../app.ts'
import type { Config, GatewayConfig } from '../config/config.ts'
import { hasManifest } from '../sinks/bundle/manifest.ts'
import type { Sink } from '../sinks/sink.ts'
import { readSinkId } from '../sinks/sqlite/file.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import type { CommandContext } from './context.ts'
import { tookText } from './format.ts'

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

/** A gateway for a command that runs once: where it asks for fewer requests, the command waits and says so. */
export function openInteractive(
  config: GatewayConfig,
  { clock, terminal }: Pick<CommandContext, 'clock' | 'terminal'>,
): Gateway {
  const onTooFast = (waitMs: number) =>
    terminal.say(`${config.name}: the gateway asks for fewer requests; going on in ${tookText(waitMs)}`)
  return openGateway(config, { clock, onTooFast })
}
