import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import type { App } from '../../src/app.ts'
import type { Config } from '../../src/config/config.ts'
import { replayLetters } from '../../src/dead-letters/replay.ts'
import { selectorMatches } from '../../src/domain/datapoint.ts'
import { toFailure } from '../../src/domain/failure.ts'
import { loadBundle } from '../../src/pipeline/load-bundle.ts'
import { type Faults, noFaults } from '../../src/simulator/faults.ts'
import type { Oddities } from '../../src/simulator/oddities.ts'
import { claimsOf } from '../../src/verification/scope.ts'
import { createVerifiedGateways } from '../../src/verification/verified-gateways.ts'
import { type Mode, type Outcome, verify } from '../../src/verification/verify.ts'
import { expectHolds, expectSame } from '../support/comparison.ts'
import { expectEqualButForDead, finalOfAll, hourMs, openStage, runOnce, type Stage } from '../support/honesty.ts'
import { cellsOf } from '../support/truth.ts'

const never = new AbortController().signal
const everything = { after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }

/** Faults that change what comes, how it ends, or whether it comes at all. `prune` is a loss that is none of ours. */
const hostilities: Readonly<Record<string, Faults>> = {
  'cuts answers short': { noEnd: 0.4, reset: 0.2, strikeWithin: 100 },
  'mixes answers up': { shuffle: 1, duplicate: 0.3, reverse: 0.5 },
  'sends nonsense': { garbage: 0.05, garbageAfterEnd: 0.3 },
  'ignores what it is asked for': { ignoreFilter: 1, widenRange: 1 },
  'refuses and forgets logins': { refuseUpgrade: 0.3, expireSession: 0.5, restError: 0.3 },
  'never gives an answer': { noEnd: 1 },
}

const oddities: Oddities = { nullNames: 0.3, segmentIds: 0.5, nullValues: 0.1, sameMs: 0.1, nested: 0.1 }

async function verified(app: App, config: Config, mode: Mode): Promise<Outcome[]> {
  const { ledger, sink } = app
  const claims = { gateways: claimsOf(config, undefined, ledger, sink.id), within: everything, oldest: -Infinity }
  const { requests, deadLetters } = config
  const repairs = mode.repair !== 'none'
  const settling = { clock: app.clock, stillMs: 0, observe: () => {} }
  const gatewayParts = {
    ...app,
    folder: deadLetters.path,
    requests,
    settling,
    isExact: true,
    overwrites: true,
    repairs,
  }
  const gateways = createVerifiedGateways(app.gateways, gatewayParts, never)
  const parts = { ledger, sink, gateways, settling, entries: config.requests.entries, observe: () => {} }
  const outcomes: Outcome[] = []
  try {
    for await (const outcome of verify(claims, mode, parts, never)) outcomes.push(outcome)
  } catch (error) {
    expect(toFailure(error).code).not.toBe('unexpected')
  }
  return outcomes
}

/** Takes away about a fifth of the points behind the program's back, and changes some others. */
function damage(folder: string): void {
  const database = new DatabaseSync(join(folder, 'points.db'))
  database.exec(
    'DELETE FROM value WHERE (time / 7 + series) % 5 = 0 AND series IN (SELECT id FROM series WHERE device IS NOT NULL)',
  )
  database.exec('UPDATE value SET number = number + 1 WHERE number IS NOT NULL AND (time / 7 + series) % 11 = 1')
  database.close()
}

/** What a finding calls equal is in the database, entry by entry. */
async function expectEqualWhereSaid(stage: Stage, config: Config, outcomes: readonly Outcome[]): Promise<void> {
  const { gateway } = stage
  for (const { after: finding } of outcomes.filter(({ after }) => after.verdict === 'equal')) {
    const { stored, entries, dead } = await stage.read(config, finding.range)
    const isMeant = ({ datapoint }: (typeof entries)[number]) => {
      const { deviceId, name, xif } = datapoint
      return selectorMatches(finding.selector, { ...datapoint, deviceId: String(deviceId), name: name ?? xif })
    }
    expectHolds(
      stored,
      cellsOf(entries, entry => isMeant(entry) && !dead.has(gateway.frame(entry))),
    )
  }
}

describe.concurrent.each(Object.entries(hostilities))('while the gateway %s', { timeout: 60_000 }, (_, faults) => {
  test('verify --full --heal --accept calls nothing equal that differs, and lowers no proof', async () => {
    await using opened = new AsyncDisposableStack()
    const stage = await openStage(opened, { oddities })
    const { gateway, clock } = stage
    const config = await stage.configure()
    const app = await stage.open(config)
    await runOnce(app, config, stage.range)
    expect(finalOfAll(app, config).covers(stage.range)).toBe(true)
    damage(stage.folder)

    gateway.setFaults({ ...noFaults, ...faults })
    const outcomes = await verified(app, config, { compare: 'full', repair: 'accept' })
    for (const { before, after, accepted } of outcomes) {
      expect(accepted.lost).toBe(0)
      expect(after.lost).toBe(0)
      expect(after.proof).toBeGreaterThanOrEqual(before.proof!)
    }
    await expectEqualWhereSaid(stage, config, outcomes)

    gateway.setFaults(noFaults)
    clock.leap(hourMs)
    const repaired = await verified(app, config, { compare: 'full', repair: 'repair' })
    expect(repaired.map(({ after }) => after.verdict)).toEqual(repaired.map(() => 'equal'))
    expectEqualButForDead(gateway, await stage.read(config, stage.range))
  })

  test('a replay of dead letters loses none, and brings all of them when the gateway is well again', async () => {
    await using opened = new AsyncDisposableStack()
    const stage = await openStage(opened, { oddities: { ...oddities, nullValues: 0 } })
    const { gateway, clock, range } = stage
    const wrong = await stage.configure({ type: 'structure' })
    const before = await stage.open(wrong)
    await runOnce(before, wrong, range)
    await before.close()
    const filled = await stage.read(wrong, range)
    expect(filled.dead.size).toBeGreaterThan(100)

    const config = await stage.configure()
    const app = await stage.open(config)
    gateway.setFaults({ ...noFaults, ...faults })
    const receipt = await replayLetters(undefined, { ...app, folder: config.deadLetters.path }, never)
    expect(receipt.read).toBeGreaterThan(100)
    expectEqualButForDead(gateway, await stage.read(config, range))

    gateway.setFaults(noFaults)
    clock.leap(hourMs)
    expect(await replayLetters(undefined, { ...app, folder: config.deadLetters.path }, never)).toMatchObject({
      read: receipt.remaining,
      remaining: 0,
    })
    const { stored, entries } = await stage.read(config, range)
    expectSame(stored, cellsOf(entries))
    expect(await replayLetters(undefined, { ...app, folder: config.deadLetters.path }, never)).toMatchObject({
      read: 0,
    })
  })

  test('what is loaded from its bundle is whole where the ledger says so, also if the copy is damaged', async () => {
    await using opened = new AsyncDisposableStack()
    const stage = await openStage(opened, { oddities, faults })
    const { gateway, range, folder, clock } = stage
    const bundle = join(folder, 'bundle')
    const packing = await stage.configure({ sink: { bundle: { path: bundle } }, ledger: 'packing.db' })
    const packer = await stage.open(packing)
    await runOnce(packer, packing, range)

    const config = await stage.configure()
    const app = await stage.open(config)
    const expectWholeWhereSaid = async () => {
      for (const within of finalOfAll(app, config).ranges) {
        const { stored, entries, dead } = await stage.read(config, within)
        expectHolds(
          stored,
          cellsOf(entries, entry => !dead.has(gateway.frame(entry))),
        )
      }
    }
    const trusted = { askedHere: new Set<string>() }
    for (const harm of [cut, flip, remove]) {
      const restore = harm(bundle)
      await loadBundle(bundle, app, trusted, () => {}, never).catch(error =>
        expect(toFailure(error).code).not.toBe('unexpected'),
      )
      await expectWholeWhereSaid()
      restore()
    }
    gateway.setFaults(noFaults)
    clock.leap(hourMs)
    await runOnce(packer, packing, range)
    await loadBundle(bundle, app, trusted, () => {}, never)
    expect(finalOfAll(app, config).covers(range)).toBe(true)
    expectEqualButForDead(gateway, await stage.read(config, range))
  })
})

/** Changes the last file of entries, where there is one; what it returns puts it back. */
function harm(change: (content: Buffer) => Buffer | undefined) {
  return (bundle: string): (() => void) => {
    const name = readdirSync(bundle, { recursive: true, encoding: 'utf8' }).findLast(it => it.endsWith('.lp.gz'))
    if (name === undefined) return () => {}
    const path = join(bundle, name)
    const content = readFileSync(path)
    const changed = change(content)
    if (changed === undefined) rmSync(path)
    else writeFileSync(path, changed)
    return () => writeFileSync(path, content)
  }
}

const cut = harm(content => content.subarray(0, content.length / 2))
const flip = harm(content => content.with(content.length / 2, content[Math.floor(content.length / 2)]! ^ 1) as Buffer)
const remove = harm(() => undefined)
