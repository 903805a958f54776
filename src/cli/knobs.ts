import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../config/duration.ts'
import { nearest } from '../domain/nearest.ts'
import { type HabitSettings, type Habits, usualHabits } from '../simulator/habits.ts'
import { checkOptions } from '../simulator/option-checks.ts'

type Knobs = Readonly<Record<string, number | readonly number[]>>

/** Reads `name=value`, or `name=value,value` for a list, and adds it to those before. */
export function readKnob(group: 'faults' | 'oddities', defaults: Knobs) {
  return (text: string, before: Knobs = {}): Knobs => {
    const { name, value } = split(text)
    const usual = known(name, defaults)
    const read = Array.isArray(usual) ? value.split(',').map(toNumber) : toNumber(value)
    check({ [group]: { [name]: read } })
    return { ...before, [name]: read }
  }
}

/** Reads `name=value`, or `name.key=value` for one of several, and adds it to those before. Times are ms or durations. */
export function readHabit(text: string, before: Habits = {}): Habits {
  const { name: path, value } = split(text)
  const [, name = '', key] = /^([^.]*)(?:\.(.+))?$/s.exec(path) ?? []
  const usual = known<HabitSettings[keyof HabitSettings]>(name, usualHabits)
  const isMapping = typeof usual === 'object'
  if (isMapping !== (key !== undefined))
    throw new InvalidArgumentError(`Write it as ${name}${isMapping ? '.NAME' : ''}=value.`)
  const read = key === undefined ? likeUsual(usual, value) : name === 'accounts' ? value : numeric(value)
  const habit = key === undefined ? read : { ...(before[name as keyof Habits] as object | undefined), [key]: read }
  check({ [name]: habit })
  return { ...before, [name]: habit }
}

export function toNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('A number is needed.')
  return value
}

function split(text: string): { name: string; value: string } {
  const [, name, value] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write it as name=value.')
  return { name, value }
}

function known<Value>(name: string, defaults: object): Value {
  if (Object.hasOwn(defaults, name)) return (defaults as Readonly<Record<string, Value>>)[name]!
  const meant = nearest(name, Object.keys(defaults))
  throw new InvalidArgumentError(`There is no "${name}"${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}

/** What cannot be read like the default stays a text: the check says what is expected. */
function likeUsual(usual: unknown, text: string): unknown {
  if (typeof usual === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return typeof usual === 'number' ? numeric(text) : text
}

function numeric(text: string): unknown {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : (parseDuration(text) ?? text)
}

function check(options: object): void {
  try {
    checkOptions(options)
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(error.message)
    throw error
  }
}
