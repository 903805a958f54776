import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../domain/clock.ts'
import type { Failure } from '../domain/failure.ts'
import { ledgerFailures } from './failures.ts'

/** One process at a time may change a ledger. */
export interface Ownership {
  /** Inside a transaction: throws a Failure if another process has taken over, as after a long suspension of this one. */
  confirm(): void
  /** Never throws: it must not hide why the work has ended. */
  release(): void
}

const beatMs = 10_000
/** Silent for this long: the owner is dead, whatever its pid says. Short enough that a restart does not wait long. */
const deadAfterMs = 60_000
/** Later than now by more: this clock or that of the owner was set, and the time between the two says nothing. */
const aheadMs = 60_000
/** A living owner gives two signs in this time. */
const watchMs = 25_000
const ownerRow = 'SELECT token, pid, pid_space, host, doing, heartbeat FROM owner'

/** Takes the ledger for this process, from a dead owner too. Throws a Failure that names a living one. */
export function takeOwnership(
  database: DatabaseSync,
  doing: string,
  { clock, silent }: { readonly clock: Clock; readonly silent: string | undefined },
): Ownership {
  const token = randomUUID()
  const write = database.prepare(
    'INSERT OR REPLACE INTO owner (one, token, pid, pid_space, host, doing, heartbeat) VALUES (1, ?, ?, ?, ?, ?, ?)',
  )
  database.exec('BEGIN IMMEDIATE')
  try {
    const owner = database.prepare(ownerRow).get()
    if (owner !== undefined && isAlive(owner, clock) && signOf(owner) !== silent) throw owned(owner)
    write.run(token, process.pid, pidSpace() ?? null, hostname(), doing, clock.now())
    database.exec('COMMIT')
  } catch (error) {
    // a failed COMMIT (disk full) may have rolled back already
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
  const beat = database.prepare('UPDATE owner SET heartbeat = ? WHERE token = ?')
  const held = database.prepare('SELECT 1 FROM owner WHERE token = ?')
  const timer = setInterval(() => {
    try {
      beat.run(clock.now(), token)
    } catch {
      // a full disk or a busy file: the next write of the run meets it too, and reports it
    }
  }, beatMs)
  timer.unref()
  return {
    confirm() {
      if (held.get(token) === undefined) throw lost()
    },
    release() {
      clearInterval(timer)
      try {
        database.prepare('DELETE FROM owner WHERE token = ?').run(token)
      } catch {
        // a full disk: the next process finds this one's pid dead
      }
    },
  }
}

/**
 * Whether an owner whose heartbeat is later than now is alive, is seen by its next one: after a reboot with the clock
 * behind, the last one of a dead owner may be hours ahead. Resolves, after half a minute, to the last sign of an owner that
 * gave no other; at once to undefined where there is no such owner.
 */
export async function watchOwner(database: DatabaseSync, clock: Clock): Promise<string | undefined> {
  const sign = () => {
    const owner = database.prepare(ownerRow).get()
    return owner !== undefined && isAhead(owner, clock) && isAlive(owner, clock) ? signOf(owner) : undefined
  }
  const before = sign()
  if (before === undefined) return undefined
  await clock.sleep(watchMs)
  return sign() === before ? before : undefined
}

function signOf({ token, heartbeat }: Record<string, unknown>): string {
  return `${token} ${heartbeat}`
}

function isAhead({ heartbeat }: Record<string, unknown>, clock: Clock): boolean {
  return Number(heartbeat) - clock.now() > aheadMs
}

/** A living owner, in words; undefined: the ledger has no owner. */
export function ownerText(database: DatabaseSync, clock: Clock): string | undefined {
  const owner = database.prepare(ownerRow).get()
  if (owner === undefined || !isAlive(owner, clock)) return undefined
  return `${owner['doing']}, pid ${owner['pid']} on ${owner['host']}`
}

function isAlive(owner: Record<string, unknown>, clock: Clock): boolean {
  // of another container or machine a pid says nothing: the heartbeat decides
  const isOurPid = owner['pid_space'] !== null && owner['pid_space'] === pidSpace()
  if (isOurPid && !processExists(Number(owner['pid']))) return false
  // it ended with the boot, and the clock was behind when this one began
  if (isAhead(owner, clock) && isEarlierBoot(owner)) return false
  // a heartbeat from the future is a clock that was set back: no sign of death
  return clock.now() - Number(owner['heartbeat']) < deadAfterMs
}

/** Of this machine: containers share the boot of the machine. */
function isEarlierBoot({ host, pid_space }: Record<string, unknown>): boolean {
  const [boot] = pidSpace()?.split(' ') ?? []
  return (
    process.platform === 'linux' &&
    boot !== undefined &&
    host === hostname() &&
    pid_space !== null &&
    String(pid_space).split(' ')[0] !== boot
  )
}

function processExists(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/**
 * Names the space in which pids of this process mean something. Containers have pids of their own (every main process
 * is pid 1) and may share a host name, so on Linux it is the boot and the PID namespace. Undefined: not known.
 */
function pidSpace(): string | undefined {
  if (process.platform !== 'linux') return hostname()
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}

function lost(): Failure {
  return ledgerFailures('ledger-lost', 'another process has taken over the ledger')
}

function owned({ pid, host, doing }: Record<string, unknown>): Failure {
  return ledgerFailures('ledger-owned', `the ledger is in use by another process (${doing}, pid ${pid} on ${host})`)
}
