import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/cli/system-clock.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { type Ledger, openLedger } from '../../../src/ledger/ledger.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** Another process that owns the ledger until its standard input ends. */
async function startOwner(path: string, doing: string): Promise<ChildProcess> {
  const source = `
    import { openLedger } from ${JSON.stringify(new URL('../../../src/ledger/ledger.ts', import.meta.url).href)}
    const clock = { now: Date.now, sleep: async () => {} }
    const ledger = openLedger(${JSON.stringify(path)}, clock)
    ledger.owner.take(${JSON.stringify(doing)})
    process.stdout.write('owned')
    process.stdin.resume().on('end', () => ledger.close())
  `
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [said] = await once(child.stdout!, 'data')
  expect(String(said)).toBe('owned')
  return child
}

/** In a separate PID namespace, as a container has it, but with our host name: what taking the ledger fails with. */
function ownInContainer(path: string): string {
  const source = `
    import { openLedger } from ${JSON.stringify(new URL('../../../src/ledger/ledger.ts', import.meta.url).href)}
    const ledger = openLedger(${JSON.stringify(path)}, { now: Date.now, sleep: async () => {} })
    try {
      ledger.owner.take('backfill')
      process.stdout.write('owned')
    } catch (error) {
      process.stdout.write(error.code)
    }
  `
  const words = ['--pid', '--fork', process.execPath, '--input-type=module', '--eval', source]
  return spawnSync('unshare', words, { encoding: 'utf8' }).stdout
}

const hasNamespaces = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0

function openForTest(path: string, clock = systemClock): Ledger {
  const ledger = openLedger(path, clock)
  onTestFinished(() => ledger.close())
  return ledger
}

function failureOf(work: () => void): Failure {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(Failure)
    return error as Failure
  }
  throw new Error('it did not fail')
}

function complete(ledger: Ledger): void {
  ledger.complete({
    sink: 's',
    request: { gateway: 'plant-a', selectors: [{}], range: { after: 0, until: 10 } },
    provisional: false,
    receipt: emptyReceipt(),
    points: [3],
    window: { group: '*', ms: 1 },
  })
}

function isEmpty(ledger: Ledger): boolean {
  return [...ledger.coverage.of({ sink: 's', gateway: 'plant-a' }, [{}]).values()].every(({ final }) => final.isEmpty)
}

describe('the owner of a ledger', () => {
  it('is named to another process that wants to write, which may when the owner has ended', async () => {
    const path = join(temporaryFolder(), 'ledger.db')
    const other = await startOwner(path, 'sync')
    const ledger = openForTest(path)
    const failure = failureOf(() => ledger.owner.take('backfill'))
    expect(failure).toMatchObject({ code: 'ledger-owned', retry: 'never', reach: 'run' })
    expect(failure.message).toContain('sync')
    expect(failure.message).toContain(`pid ${other.pid}`)
    // reading needs no ownership
    expect(isEmpty(ledger)).toBe(true)

    other.stdin!.end()
    await once(other, 'exit')
    ledger.owner.take('backfill')
    complete(ledger)
    expect(isEmpty(ledger)).toBe(false)
  })

  it('that was killed is followed at once', async () => {
    const path = join(temporaryFolder(), 'ledger.db')
    const other = await startOwner(path, 'sync')
    other.kill('SIGKILL')
    await once(other, 'exit')
    const ledger = openForTest(path)
    ledger.owner.take('backfill')
    complete(ledger)
    expect(isEmpty(ledger)).toBe(false)
  })

  it('that lives but has not given a sign for a minute is followed, and its own writes stop', () => {
    const path = join(temporaryFolder(), 'ledger.db')
    const clock = steeredClock()
    const suspended = openForTest(path, clock)
    suspended.owner.take('sync')
    // an owner on another machine, of which only the heartbeat can be seen
    const database = new DatabaseSync(path)
    database.exec("UPDATE owner SET host = 'elsewhere', pid_space = 'elsewhere', pid = 1")
    database.close()
    const next = openForTest(path, clock)
    clock.advance(59_999)
    expect(failureOf(() => next.owner.take('backfill')).message).toContain('on elsewhere')
    clock.advance(1)
    next.owner.take('backfill')

    expect(failureOf(() => complete(suspended))).toMatchObject({ code: 'ledger-lost', retry: 'never', reach: 'run' })
    expect(
      failureOf(() =>
        suspended.parked.park(
          's',
          { gateway: 'plant-a', selectors: [{}], range: { after: 0, until: 1 } },
          new Failure('x', { code: 'x', retry: 'soon', reach: 'request' }),
          1,
        ),
      ),
    ).toMatchObject({ code: 'ledger-lost' })
    expect(isEmpty(next)).toBe(true)

    // the one that has lost it does not take it from the other by closing
    suspended.close()
    complete(next)
    expect(isEmpty(next)).toBe(false)
  })

  it.skipIf(!hasNamespaces)('is not taken for dead by a container, where its pid means nothing', async () => {
    const path = join(temporaryFolder(), 'ledger.db')
    const other = await startOwner(path, 'sync')
    expect(ownInContainer(path)).toBe('ledger-owned')
    // followed when its last sign is a minute old
    other.kill('SIGKILL')
    await once(other, 'exit')
    const database = new DatabaseSync(path)
    database.exec('UPDATE owner SET heartbeat = heartbeat - 60000')
    database.close()
    expect(ownInContainer(path)).toBe('owned')
  })

  it('with our own pid is alive, if that pid is one of another container', () => {
    const path = join(temporaryFolder(), 'ledger.db')
    const clock = steeredClock()
    openForTest(path, clock).owner.take('sync')
    const database = new DatabaseSync(path)
    // the same where an older program has not noted it
    for (const space of ["'another boot pid:[1]'", 'NULL']) {
      database.exec(`UPDATE owner SET pid_space = ${space}`)
      expect(failureOf(() => openForTest(path, clock).owner.take('backfill')).code).toBe('ledger-owned')
    }
    database.close()
  })

  describe('whose heartbeat is from the future, because a clock was set back', () => {
    /** The owner is of another container of this machine, or of another boot. */
    function ownedAhead(space: string): { path: string; clock: ReturnType<typeof steeredClock>; beat: () => void } {
      const path = join(temporaryFolder(), 'ledger.db')
      const clock = steeredClock()
      openForTest(path, clock).owner.take('sync')
      const database = new DatabaseSync(path)
      onTestFinished(() => database.close())
      database.exec(`UPDATE owner SET pid_space = ${space}`)
      clock.set(clock.now() - 3_600_000)
      return { path, clock, beat: () => database.exec('UPDATE owner SET heartbeat = heartbeat + 10000') }
    }
    const otherContainer = "substr(pid_space, 1, 37) || 'pid:[1]'"

    it('is not taken for dead, and not waited out either: it is, when it stands still', async () => {
      const { path, clock, beat } = ownedAhead(otherContainer)
      const ledger = openForTest(path, clock)
      expect(failureOf(() => ledger.owner.take('backfill')).code).toBe('ledger-owned')
      const alive = ledger.owner.watch()
      beat()
      clock.advance(25_000)
      await alive
      expect(failureOf(() => ledger.owner.take('backfill')).code).toBe('ledger-owned')

      const silent = ledger.owner.watch()
      clock.advance(25_000)
      await silent
      ledger.owner.take('backfill')
      complete(ledger)
      expect(isEmpty(ledger)).toBe(false)
    })

    it('is seen to live by a sign that comes after it was watched', async () => {
      const { path, clock, beat } = ownedAhead(otherContainer)
      const ledger = openForTest(path, clock)
      const silent = ledger.owner.watch()
      clock.advance(25_000)
      await silent
      beat()
      expect(failureOf(() => ledger.owner.take('backfill')).code).toBe('ledger-owned')
    })

    it.skipIf(process.platform !== 'linux')('is dead at once where this machine was started anew', async () => {
      const { path, clock } = ownedAhead("'another-boot pid:[1]'")
      const ledger = openForTest(path, clock)
      await ledger.owner.watch()
      ledger.owner.take('backfill')
      complete(ledger)
      expect(isEmpty(ledger)).toBe(false)
    })
  })
})
