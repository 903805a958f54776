import { createHash } from 'node:crypto'
import { accessSync, closeSync, constants, openSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Clock } from '../../domain/clock.ts'
import { Failure } from '../../domain/failure.ts'
import type { Point } from '../../domain/point.ts'
import type { DataLogRequest } from '../../domain/request.ts'
import { systemAdvice } from '../../domain/system-error.ts'
import { replaceDurably, writeAll } from '../../durable/write.ts'
import { sinkFailure } from '../failures.ts'
import { lineOf } from '../line-protocol/format-lines.ts'
import type { Sink, SinkDraft } from '../sink.ts'
import { addToManifest, type ManifestList, makeManifest } from './manifest.ts'
import { fileSuffix } from './manifest-line.ts'

const draftSuffix = '.draft'

/**
 * A bundle: line protocol (nanoseconds) in gzipped files, for a database that this machine cannot reach. A file holds
 * one transfer and gets its name when that is complete; a manifest lists them. The steps of a commit:
 * the file is durable → it gets its name → the manifest lists it → the ledger records the range.
 * Whatever ends the program in between, the range is fetched again and gives the same points (law 4): what is listed
 * twice is loaded once, and a file that is not listed is of a complete range all the same.
 */
export async function openBundleSink(
  { path }: { readonly path: string },
  { clock }: { readonly clock: Clock },
): Promise<Sink> {
  const folder = resolve(path)
  const label = `bundle ${path}`
  const { id, last } = guarded(label, () => makeManifest(folder, clock.now()))
  const list = { folder, last }
  let drafts = 0
  const notHere = (what: string) =>
    sinkFailure('sink-unreadable', `a ${label} cannot be ${what}`, {
      advice: 'Load it into a database ("load"), and do it there.',
    })
  return {
    id: `bundle:${id}`,
    label,
    begin(request) {
      // not at opening: a command that only reads must leave the drafts of a run that goes on
      if (drafts === 0) guarded(label, () => sweep(folder))
      return openDraft(request, { folder, label, number: drafts++, list, clock })
    },
    async write() {
      throw notHere('written to outside of a transfer')
    },
    async check() {
      guarded(label, () => accessSync(folder, constants.W_OK))
      return { kind: 'bundle', version: undefined, retentionMs: undefined, warnings: [] }
    },
    async counts() {
      throw notHere('counted')
    },
    read() {
      throw notHere('read back')
    },
    async close() {},
  }
}

/** Drafts of a process that was killed: their transfers were not complete and come again. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) if (name.endsWith(draftSuffix)) rmSync(join(folder, name))
}

interface DraftParts {
  readonly folder: string
  readonly label: string
  readonly number: number
  readonly list: ManifestList
  readonly clock: Clock
}

function openDraft(
  { gateway, selectors, range }: DataLogRequest,
  { folder, label, number, list, clock }: DraftParts,
): SinkDraft {
  const draft = join(folder, `${process.pid}-${number}${draftSuffix}`)
  const hash = createHash('sha256')
  let file: number | undefined
  const close = () => {
    if (file !== undefined) closeSync(file)
    file = undefined
  }
  return {
    async write(points: readonly Point[], signal) {
      signal.throwIfAborted()
      // each batch is one gzip member: together they are one gzip file
      const bytes = gzipSync(`${points.map(lineOf).join('\n')}\n`, { level: 6 })
      guarded(label, () => {
        file ??= openSync(draft, 'w', 0o600)
        writeAll(file, bytes)
      })
      hash.update(bytes)
      return { written: points.length, rejected: [] }
    },
    commit({ provisional, received, written, rejected, series }) {
      const sha256 = hash.digest('hex')
      const start = new Date(range.after).toISOString().replace(/[:.]/g, '')
      const name = `${gateway}_${start}_${sha256.slice(0, 12)}${fileSuffix}`
      const about = file === undefined ? {} : { file: name, sha256 }
      guarded(label, () => {
        if (file !== undefined) {
          const whole = file
          file = undefined
          replaceDurably(whole, draft, join(folder, name))
        }
        addToManifest(list, {
          at: clock.now(),
          gateway,
          selectors,
          ...range,
          provisional,
          received,
          written,
          ...(rejected > 0 && { rejected }),
          series: series.map(own =>
            own.map(({ measurement, tags }) => [measurement, Object.fromEntries(tags)] as const),
          ),
          ...about,
        })
      })
    },
    close() {
      if (file === undefined) return
      close()
      rmSync(draft, { force: true })
    },
  }
}

function guarded<T>(label: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Failure) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw sinkFailure('sink-denied', `${label}: ${message}`, {
      retry: 'later',
      advice: systemAdvice(error) ?? 'Check the folder, its permissions and the free space.',
      cause: error,
    })
  }
}
