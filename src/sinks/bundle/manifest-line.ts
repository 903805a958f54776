import { createHash } from 'node:crypto'
import { z } from 'zod'
import { jsonValuesIn, mostJsonValues } from '../json-size.ts'

export const fileSuffix = '.lp.gz'

const text = z.string().max(4_096)
const time = z.int().min(0)
const count = z.int().min(0)

const selector = z.strictObject({
  device: z.union([z.strictObject({ name: text }), z.strictObject({ id: text, as: text })]).exactOptional(),
  block: text.exactOptional(),
  index: z.int().exactOptional(),
  point: z.union([z.strictObject({ name: text }), z.strictObject({ xif: text })]).exactOptional(),
})

/** A series: `[measurement, tags]`. */
const series = z.tuple([text, z.record(text, text)]).readonly()

/** A plain name, so that it is a file of the folder. */
const file = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.lp\.gz$/, 'it is not the plain name of a file of lines')

/** One complete transfer. Lists are in the order of the selectors. */
const manifestEntry = z
  .strictObject({
    /** When the line was written, ms UTC. */
    at: time,
    gateway: text.min(1),
    selectors: z.tuple([selector], selector).readonly(),
    /** `(after, until]`, ms UTC. */
    after: time,
    until: time,
    provisional: z.boolean(),
    received: count,
    written: count,
    /** Entries that could not be packed: dead letters where it was packed. */
    rejected: count.exactOptional(),
    series: z.array(z.array(series).readonly()).readonly(),
    /** Undefined where the range held nothing to write. */
    file: file.exactOptional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .exactOptional(),
  })
  .refine(({ after, until }) => after < until, { path: ['until'], error: 'it ends before it begins' })
  .refine(({ selectors, series: held }) => selectors.length === held.length, {
    path: ['series'],
    error: 'one list is needed for each selector',
  })
  .refine(({ file: name, sha256 }) => (name === undefined) === (sha256 === undefined), {
    path: ['sha256'],
    error: 'a file has one, and nothing else has',
  })

export type ManifestEntry = Readonly<z.infer<typeof manifestEntry>>

/** A line as it is: what it says, or why it is not understood. */
type ManifestLine =
  | { readonly number: number; readonly entry: ManifestEntry }
  | { readonly number: number | undefined; readonly wrong: string }

/** A gateway's clock may be ahead of the clock of the machine that packs. */
const clockDoubtMs = 86_400_000

/** The number shows where lines are missing, the checksum where one is damaged. It has no key, and proves no origin. */
export function manifestLine(number: number, entry: ManifestEntry): Buffer {
  const numbered = { line: number, ...entry }
  return Buffer.from(`${JSON.stringify({ ...numbered, sum: sumOf(numbered) })}\n`)
}

/** `now`: by this machine's clock, ms UTC. */
export function parseManifestLine(bytes: Buffer, now: number): ManifestLine {
  if (jsonValuesIn(bytes) > mostJsonValues) return { number: undefined, wrong: 'is too long' }
  const { sum, ...numbered } = Object(jsonOf(bytes)) as Record<string, unknown>
  const { line: number, ...content } = numbered
  if (!Number.isSafeInteger(number) || sum !== sumOf(numbered)) return { number: undefined, wrong: 'is damaged' }
  const known = { number: number as number }
  const parsed = manifestEntry.safeParse(content)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return { ...known, wrong: `is not understood: ${issue?.path.join('.')}: ${issue?.message}` }
  }
  const entry = parsed.data
  const { at, until, provisional } = entry
  if (at > now + clockDoubtMs)
    return { ...known, wrong: `is of the future (${dateText(at)}): is the clock of this machine right?` }
  if (until > at + (provisional ? clockDoubtMs : 0))
    return {
      ...known,
      wrong: `is refused: its range ends at ${dateText(until)}, after it was packed (${dateText(at)})`,
    }
  return { ...known, entry }
}

function sumOf(numbered: object): string {
  return createHash('sha256').update(JSON.stringify(numbered)).digest('hex').slice(0, 16)
}

export function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

function dateText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}
