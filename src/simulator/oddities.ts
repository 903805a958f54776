import { mix, unit } from './random.ts'
import type { Sample } from './signals.ts'

/**
 * What is strange about the data themselves. Unlike faults these are part of the truth: `history` shows them, every request
 * meets the same ones. Shares and probabilities are 0 to 1, default 0.
 */
export interface Oddities {
  readonly nullNames?: number
  readonly nullQualifiers?: number
  readonly awkwardNames?: number
  readonly nullValues?: number
  readonly booleans?: number
  readonly nested?: number
  readonly sameMs?: number
  readonly late?: number
  readonly lateMs?: number
  readonly future?: number
  readonly futureMs?: number
  readonly stringIds?: number
  readonly segmentIds?: number
  readonly extraFields?: number
}

/** The manual of `Oddities`; the defaults are in `noOddities`. */
export const oddityMeanings: Readonly<Record<keyof Oddities, string>> = {
  nullNames: 'share of the datapoints whose `name` is null (protocol §3.1)',
  nullQualifiers: 'share of the datapoints whose `dpQualifier` is null, as in some 3.1 builds',
  awkwardNames: 'share of the devices whose names hold `/ & + = [ ]`, quotes or non-ASCII letters (§10.14)',
  nullValues: 'per entry: the value is null',
  booleans: 'per entry: the value is true or false (§10.4)',
  nested: 'per entry: the value is a structure of structures and lists',
  sameMs: 'per entry: a second one with the same time, to the last digit, and another value follows it',
  late: 'per entry: it is stored late (its `storedAt` is after its time)',
  lateMs: 'at most how late, ms',
  future: "per entry: it is stored before its time has come, as after the gateway's clock was moved (§7)",
  futureMs: 'at most how early, ms',
  stringIds: 'per entry: `deviceId` and `blockIndex` are strings',
  segmentIds: 'per entry: `deviceId` is `segment.DID`, as in older REST samples',
  extraFields: 'per entry: fields nobody has documented are there too',
}

export type OdditySettings = Required<Oddities>

export const noOddities: OdditySettings = {
  nullNames: 0,
  nullQualifiers: 0,
  awkwardNames: 0,
  nullValues: 0,
  booleans: 0,
  nested: 0,
  sameMs: 0,
  late: 0,
  lateMs: 600_000,
  future: 0,
  futureMs: 3_600_000,
  stringIds: 0,
  segmentIds: 0,
  extraFields: 0,
}

/** Whether a chance comes true for these bits; `purpose` keeps the chances of one entry apart from each other. */
export function isDrawn(chance: number, bits: number, purpose: number): boolean {
  return chance > 0 && unit(mix(bits, purpose, 0)) < chance
}

/** The value instead of the regular one, if this entry is to have a strange one. */
export function strangeSample(settings: OdditySettings, bits: number): Sample | undefined {
  if (isDrawn(settings.nullValues, bits, 11)) return { value: null, text: 'null' }
  if (isDrawn(settings.booleans, bits, 12)) {
    const value = (bits & 1) === 1
    return { value, text: String(value) }
  }
  if (!isDrawn(settings.nested, bits, 13)) return undefined
  const level = (bits % 1000) / 8
  const value = {
    point: [
      { x: level, on: true },
      { x: -level, on: null },
    ],
    status: { code: bits & 255, text: 'ok "quoted"\\' },
  }
  return { value, text: JSON.stringify(value) }
}

/** When an entry of this time becomes visible, ms UTC. */
export function storageTime(settings: OdditySettings, ms: number, bits: number): number {
  if (isDrawn(settings.late, bits, 14)) return ms + 1 + Math.floor(unit(mix(bits, 15, 0)) * settings.lateMs)
  if (isDrawn(settings.future, bits, 16)) return ms - 1 - Math.floor(unit(mix(bits, 17, 0)) * settings.futureMs)
  return ms
}

const awkward = [
  ' "A&B"',
  ' 50% + x=y',
  ' [north/south]',
  ' Gebäude Süd',
  ' 電力',
  " O'Neil; #7?",
  ' back\\slash, comma',
]

export function awkwardEnding(bits: number): string {
  return awkward[bits % awkward.length]!
}
