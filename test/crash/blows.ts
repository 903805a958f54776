import { setTimeout as pause } from 'node:timers/promises'
import type { Faults } from '../../src/simulator/faults.ts'
import type { Running } from '../support/program.ts'
import type { Stage } from './stage.ts'

/** A number from 0 to below 1. */
export type Random = () => number

/** Something that happens to the program, or to what it needs. */
export type Blow =
  | { readonly name: string; readonly signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT' }
  /** Lasts for a while; `begin` resolves to its end. */
  | {
      readonly name: string
      readonly longestMs: number
      begin(stage: Stage, running: Running, random: Random): Promise<() => Promise<void> | void>
    }

const kill: Blow = { name: 'kill -9', signal: 'SIGKILL' }
const terminate: Blow = { name: 'SIGTERM', signal: 'SIGTERM' }
const interrupt: Blow = { name: 'SIGINT', signal: 'SIGINT' }

/** One of these at a time: what else a gateway can do to its sockets is in the tests of a hostile gateway. */
const faults: readonly Faults[] = [
  { noEnd: 0.6 },
  { reset: 0.6 },
  { stall: 0.5 },
  { noEnd: 0.2, reset: 0.2, stall: 0.2, strikeWithin: 200 },
  { refuseUpgrade: 0.6 },
  { rejectConnection: 0.6 },
  { expireSession: 0.7 },
  { restError: 0.6 },
  { garbage: 0.01, garbageAfterEnd: 0.3 },
  { shuffle: 1, duplicate: 0.2 },
  { ignoreFilter: 1, widenRange: 1, reverse: 0.5 },
]

const socketsCut: Blow = {
  name: 'gateway faults',
  longestMs: 3_000,
  async begin({ gateway }, _running, random) {
    gateway.hurt(faults[Math.floor(random() * faults.length)]!)
    return () => gateway.heal()
  },
}

const gatewayRestart: Blow = {
  name: 'gateway restart',
  longestMs: 2_500,
  async begin({ gateway }) {
    await gateway.stop()
    return () => gateway.start()
  },
}

const programFrozen: Blow = {
  name: 'program frozen',
  longestMs: 3_000,
  async begin(_stage, { child }) {
    child.kill('SIGSTOP')
    return () => void child.kill('SIGCONT')
  },
}

const databaseRestart: Blow = {
  name: 'database restart',
  longestMs: 2_500,
  async begin({ server }) {
    await server!.stop()
    return () => server!.start()
  },
}

const databaseKilled: Blow = {
  name: 'database kill -9',
  longestMs: 1_500,
  async begin({ server }) {
    server!.signal('SIGKILL')
    await server!.stop()
    return () => server!.start()
  },
}

const databaseFrozen: Blow = {
  name: 'database frozen',
  // longer than the sink's timeout: what becomes of a write is then unknown
  longestMs: 5_000,
  async begin({ server }) {
    server!.signal('SIGSTOP')
    return () => server!.signal('SIGCONT')
  },
}

const diskFull: Blow = {
  name: 'disk full',
  longestMs: 2_500,
  async begin({ disk }) {
    await disk!.fill()
    return () => disk!.free()
  },
}

/** One of every kind, as often as it is to come compared with the others. */
function bagFor({ server, disk }: Stage): Blow[] {
  return [
    ...[kill, kill, kill, kill, terminate, interrupt, socketsCut, socketsCut, gatewayRestart, programFrozen],
    ...(server === undefined ? [] : [databaseRestart, databaseKilled, databaseFrozen]),
    ...(disk === undefined ? [] : [diskFull, diskFull]),
  ]
}

/** Blows in random order, no kind forgotten: a bag that is drawn empty and filled again. */
export function createBag(random: Random): (stage: Stage) => Blow {
  let names: string[] = []
  return stage => {
    const all = bagFor(stage)
    if (names.length === 0) names = all.map(({ name }) => name)
    const [name] = names.splice(Math.floor(random() * names.length), 1)
    return all.find(blow => blow.name === name)!
  }
}

export interface Struck {
  /** What was done: `database frozen 1.4 s + kill -9`. */
  readonly what: string
  /** The last signal that was sent, if the program was to end by it. */
  readonly signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT' | undefined
  /** How long it took to end after that. */
  readonly endedAfterMs: number | undefined
}

/** Carries a blow out to its end; one that lasts is joined by a signal now and then. */
export async function strike(blow: Blow, stage: Stage, running: Running, random: Random): Promise<Struck> {
  if ('signal' in blow) return { what: blow.name, signal: blow.signal, endedAfterMs: await endBy(blow.signal, running) }
  const holdMs = Math.round(200 + random() * (blow.longestMs - 200))
  const joined = ([kill, terminate, interrupt] as const)[Math.floor(random() * 10)]
  const end = await blow.begin(stage, running, random)
  const lasted = `${blow.name} ${(holdMs / 1000).toFixed(1)} s`
  if (joined === undefined || !('signal' in joined)) {
    await pause(holdMs)
    await end()
    return { what: lasted, signal: undefined, endedAfterMs: undefined }
  }
  await pause(holdMs / 2)
  const ending = endBy(joined.signal, running)
  // one that is frozen hears only kill -9; it must not be waited for before it is thawed
  await Promise.race([ending, pause(holdMs / 2)])
  await end()
  const endedAfterMs = await ending
  // frozen, it could not hear
  return {
    what: `${lasted} + ${joined.name}`,
    signal: joined.signal,
    endedAfterMs: blow === programFrozen ? undefined : endedAfterMs,
  }
}

async function endBy(signal: NodeJS.Signals, { child, ended }: Running): Promise<number> {
  const asked = performance.now()
  child.kill(signal)
  await ended
  return performance.now() - asked
}
