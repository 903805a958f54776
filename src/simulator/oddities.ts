import { z } from 'zod'
import { chance, integer, longestMs } from './option-values.ts'
import { mix, unit } from './random.ts'
import type { JsonValue, Sample } from './signals.ts'

/** Each oddity with its meaning: a share or a probability, 0 to 1. */
const chances = {
  nullNames: chance('share of the datapoints whose `name` is null (protocol §3.1)'),
  nullQualifiers: chance('share of the datapoints whose `dpQualifier` is null, as in some 3.1 builds'),
  awkwardNames: chance('share of the devices whose names hold `/ & + = [ ]`, quotes or non-ASCII letters (§10.14)'),
  controlNames: chance(
    'share of the devices whose names hold a line end, an escape sequence, a null or a mark that reverses the text',
  ),
  nullValues: chance('per entry: the value is null'),
  booleans: chance('per entry: the value is true or false (§10.4)'),
  nested: chance('per entry: the value is a structure of structures and lists'),
  huge: chance('per entry: the value is a very long text'),
  deep: chance('per entry: the value is a list in a list in a list, and so on'),
  bigNumbers: chance('per entry: the value is an integer that a double cannot hold'),
  notNumbers: chance('per entry: the value is a bare NaN or Infinity, so that the frame is no JSON'),
  unavailable: chance('per entry: the value is a text that says that there is none'),
  sameMs: chance('per entry: a second one with the same time, to the last digit, and another value follows it'),
  late: chance('per entry: it is stored late (its `storedAt` is after its time)'),
  future: chance("per entry: it is stored before its time has come, as after the gateway's clock was moved (§7)"),
  stringIds: chance('per entry: `deviceId` and `blockIndex` are strings'),
  segmentIds: chance('per entry: `deviceId` is `segment.DID`, as in older REST samples'),
  extraFields: chance('per entry: undocumented fields are there too'),
}

/** What belongs to some of the oddities. */
const details = {
  hugeBytes: integer(100_000, 'huge: length of the text', 1, 64 * 1024 * 1024),
  deepLevels: integer(100_000, 'deep: so many lists', 1, 10_000_000),
  lateMs: integer(600_000, 'late: at most how late, ms', 1, longestMs),
  futureMs: integer(3_600_000, 'future: at most how early, ms', 1, longestMs),
}

/**
 * What is strange about the data themselves. Unlike faults these are part of the truth: `history` shows them, and every request
 * meets the same ones.
 */
export const odditySchema = z.strictObject({ ...chances, ...details }, 'a mapping')

export type Oddities = Readonly<z.input<typeof odditySchema>>
export type OdditySettings = Readonly<z.output<typeof odditySchema>>
export type OddityName = keyof typeof chances

export const noOddities: OdditySettings = odditySchema.parse({})

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
  if (isDrawn(settings.huge, bits, 41)) {
    const value = 'x'.repeat(settings.hugeBytes)
    return { value, text: `"${value}"` }
  }
  if (isDrawn(settings.deep, bits, 42)) return deepSample(settings.deepLevels)
  // The value of an entry is what JSON.parse reads from it: these digits are lost in it.
  if (isDrawn(settings.bigNumbers, bits, 43)) return jsonSample(`${9_007_199_254_740_992n + BigInt(bits % 1000)}`)
  if (isDrawn(settings.notNumbers, bits, 44)) return { value: null, text: bits % 2 === 0 ? 'NaN' : '-Infinity' }
  if (isDrawn(settings.unavailable, bits, 45))
    return jsonSample(JSON.stringify(['unavailable', '', 'NaN', '-'][bits & 3]))
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

const jsonSample = (text: string): Sample => ({ value: JSON.parse(text), text })

let deepest: { levels: number; sample: Sample } | undefined

function deepSample(levels: number): Sample {
  if (deepest?.levels === levels) return deepest.sample
  let value: JsonValue = 0
  for (let level = 0; level < levels; level++) value = [value]
  const sample = { value, text: `${'['.repeat(levels)}0${']'.repeat(levels)}` }
  deepest = { levels, sample }
  return sample
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

const control = [
  '\nEQUAL, entry by entry.',
  ' \u001b[31mred\u001b[0m\u0007',
  ' \u0000nul',
  ' \u202eesrever',
  ' \u009b2J',
  '\r\tback',
]

export function nameEnding(settings: OdditySettings, bits: number): string {
  if (isDrawn(settings.awkwardNames, bits, 22)) return awkward[bits % awkward.length]!
  return isDrawn(settings.controlNames, bits, 46) ? control[bits % control.length]! : ''
}
