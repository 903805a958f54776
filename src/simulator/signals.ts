import { unit } from './random.ts'

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** A value and the JSON text the gateway writes for it; the text of a Java double keeps its `.0` (protocol §3.1). */
export interface Sample {
  readonly value: JsonValue
  readonly text: string
}

/** Computes the value at a time. `bits` are the entry's own noise, `character` (in [0, 1)) sets this datapoint apart from its like. */
type Signal = (ms: number, bits: number, character: number) => Sample

export type SignalName = keyof typeof signals

const hourMs = 3_600_000
const dayMs = 24 * hourMs

const number = (value: number): Sample => ({ value, text: String(value) })
const word = (value: string): Sample => ({ value, text: `"${value}"` })
const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits
const double = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value))

/** -1 in the night, 1 in the afternoon (15:00 at UTC−8, so around 23:00 UTC). */
const daily = (ms: number): number => Math.cos(((ms % dayMs) / dayMs - 23 / 24) * 2 * Math.PI)

/** Working hours of a building on the US west coast, Monday to Friday. */
function occupied(ms: number): boolean {
  const local = ms - 8 * hourMs
  const hour = (local % dayMs) / hourMs
  const weekday = (Math.floor(local / dayMs) + 4) % 7
  return weekday >= 1 && weekday <= 5 && hour >= 7 && hour < 18
}

/**
 * Never falls: the swing of the day is an integral whose slope stays below the mean rate,
 * so a counter needs no memory of what it counted before.
 */
function counter(ms: number, perHour: number): number {
  const hours = (ms - 946_684_800_000) / hourMs
  return perHour * hours + 0.8 * perHour * (12 / Math.PI) * Math.sin((hours / 24) * 2 * Math.PI)
}

export const signals = {
  temperature: (ms, bits, character) => number(round(19 + 4 * character + 3 * daily(ms) + unit(bits) - 0.5, 2)),
  lux: (ms, bits, character) =>
    number(Math.round(Math.max(0, daily(ms)) * (600 + 400 * character) * (0.6 + 0.4 * unit(bits)))),
  power: (ms, bits, character) =>
    number(round((occupied(ms) ? 4000 : 600) * (0.5 + character) * (0.9 + 0.2 * unit(bits)), 1)),
  energy: (ms, _bits, character) => number(round(counter(ms, 1 + 9 * character), 3)),
  voltage: (_ms, bits) => number(round(229 + 3 * unit(bits), 1)),
  hours: (ms, _bits, character) => number(Math.floor(counter(ms, 0.2 + 0.6 * character))),
  setpoint: ms => number(occupied(ms) ? 21.5 : 17),
  hvacMode: (ms, bits) => {
    if (!occupied(ms)) return word('HVAC_OFF')
    return word(['HVAC_AUTO', 'HVAC_HEAT', 'HVAC_COOL', 'HVAC_FAN_ONLY'][bits & 3] ?? 'HVAC_AUTO')
  },
  occupancy: (ms, bits) => word(occupied(ms) && unit(bits) < 0.8 ? 'OC_OCCUPIED' : 'OC_UNOCCUPIED'),
  switch: (ms, bits) => {
    const level = occupied(ms) ? (bits % 201) / 2 : 0
    const state = level > 0 ? 1 : 0
    return { value: { value: level, state }, text: `{"value":${double(level)},"state":${state}}` }
  },
} satisfies Record<string, Signal>
