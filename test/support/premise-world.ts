import pino from 'pino'
import { onTestFinished } from 'vitest'
import { DeadLetterBox } from '../../src/dead-letters/dead-letters.ts'
import type { Selector } from '../../src/domain/datapoint.ts'
import type { Frame } from '../../src/domain/entry.ts'
import { RangeSet } from '../../src/domain/range.ts'
import type { DataLogRequest } from '../../src/domain/request.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { createClockWatch } from '../../src/pipeline/clock-watch.ts'
import { createDatabaseWatch } from '../../src/pipeline/database-watch.ts'
import type { GatewayJob } from '../../src/pipeline/job.ts'
import { run } from '../../src/pipeline/run.ts'
import { createRunSource } from '../../src/pipeline/run-source.ts'
import { createThrottle } from '../../src/pipeline/throttle.ts'
import { createTurns } from '../../src/pipeline/turns.ts'
import { compileMapping } from '../../src/points/mapping.ts'
import { sinkFailure } from '../../src/sinks/failures.ts'
import type { RestAnswer, RestCall } from '../../src/smartserver/rest.ts'
import { noEnd, unreachable } from './scripted-gateway.ts'
import { scriptedSink } from './scripted-sink.ts'
import { steeredClock } from './steered-clock.ts'
import { temporaryFolder } from './temporary-folder.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const maturity = { settle: minute, lateness: hour }

/** One of the things that log, whatever it is called at the moment. */
export interface Thing {
  /** What it is called in the configuration. */
  readonly configured: string
  /** ms between entries. */
  readonly intervalMs: number
  /** True: the gateway's rules tell the interval. */
  readonly isRegular: boolean
  name: string
  id: string
  /** Of the hardware. */
  readonly uid: string
  /** False: the list of devices does not hold it at the moment. */
  isListed: boolean
}

/** Between two settings of the gateway's clock. One that was over before a pass met it leaves no trace but its entries. */
interface Epoch {
  isSeen: boolean
}

/** An entry as the gateway stamped it. */
interface Logged {
  readonly thing: Thing
  readonly utc: number
  readonly epoch: Epoch
}

type Trouble = 'none' | 'no-end' | 'unreachable'

/** A small site over a steered year: a gateway whose premises may fall, the database, and our side in one process after another. */
export interface PremiseWorld {
  readonly things: readonly Thing[]
  /** True time, ms UTC. */
  now(): number
  /** The gateway's clock. */
  gatewayNow(): number
  /** True time goes on. */
  live(ms: number): void
  setGatewayClock(ms: number): void
  setHostClock(ms: number): void
  /** Done while the next request is being answered. */
  inNextRequest(act: () => void): void
  trouble: Trouble
  isDatabaseAway: boolean
  /** Once: the next answer that holds much brings nothing but `"end"`, or ends in mid-range. */
  wrongAnswer: 'empty' | 'short' | undefined
  deviceNotification(): void
  /** The process ends, and another one begins. */
  restart(): void
  /** One pass of a sync; what it fails with is in its outcome, or is of the database. */
  pass(): Promise<void>
  /** Of entries that are called final, those that the database does not hold. */
  lost(): readonly string[]
  /** What is not final although the gateway's clock has been past it for long. */
  missing(): readonly string[]
  /** For the log. */
  readonly requests: number
  /** By REST. */
  readonly calls: number
}

const name = 'plant-a'
const block = 'B'
const xif = 'nvoLevel'
/** Shorter than most of the outages: what was wanted stays wanted. */
const sinceMs = 7 * day

/** `doubts` false: no answer is compared with what to expect, because the rules tell nothing and the log is sparse. */
export function openPremiseWorld(start: number, { doubts = true } = {}): PremiseWorld {
  const clock = steeredClock(start)
  clock.runFreely()
  const ledger = openLedger(':memory:', clock)
  onTestFinished(() => ledger.close())
  const deadLetters = new DeadLetterBox({ path: temporaryFolder(), maxSize: 1e9 }, clock)
  const log = pino({ level: 'silent' })
  const things: Thing[] = [
    { configured: 'Sensor 1', intervalMs: 6 * hour, isRegular: true },
    { configured: 'Sensor 2', intervalMs: 6 * hour, isRegular: true },
    { configured: 'Sensor 3', intervalMs: 11 * hour, isRegular: false },
  ].map((thing, i) => ({ ...thing, name: thing.configured, id: String(i + 1), uid: `uid ${i}`, isListed: true }))
  // the second one is asked for by its id
  const selectors = things.map(
    ({ configured }, i): Selector => ({
      device: i === 1 ? { id: '2', as: configured } : { name: configured },
      block,
      index: 0,
      point: { xif },
    }),
  )
  const history: Logged[] = []
  let loggedUntil = start
  let offset = 0
  let epoch: Epoch = { isSeen: false }
  let whileAnswering: (() => void) | undefined
  let deviceChangedAt = Number.NEGATIVE_INFINITY
  let requests = 0

  let calls = 0
  /** No more than one: the same wrong answer twice is believed. */
  let wrongAnswers = 0
  const trueNow = () => clock.elapsed() + start
  const gatewayNow = () => trueNow() + offset

  /** What was logged since, by the clock that the gateway had. */
  function logOn(): void {
    const now = trueNow()
    for (const thing of things) {
      const first = Math.floor(loggedUntil / thing.intervalMs) + 1
      for (let at = first * thing.intervalMs; at <= now; at += thing.intervalMs)
        history.push({ thing, utc: at + offset, epoch })
    }
    loggedUntil = now
  }

  const sink = scriptedSink(async () => {
    if (world.isDatabaseAway) throw sinkFailure('disk-full', 'the disk is full')
    return []
  })

  const database = createDatabaseWatch({ sink, ledger, clock })

  function matches(thing: Thing, { device, block: wanted, point }: Selector): boolean {
    const isDevice = device === undefined || ('id' in device ? device.id === thing.id : device.name === thing.name)
    return isDevice && (wanted === undefined || wanted === block) && (point === undefined || 'xif' in point)
  }

  async function* readDataLog({ selectors: asked, range }: DataLogRequest): AsyncGenerator<readonly Frame[]> {
    requests++
    await clock.sleep(300)
    if (world.trouble !== 'none') throw world.trouble === 'no-end' ? noEnd() : unreachable()
    logOn()
    const found = history
      .filter(({ thing, utc }) => utc > range.after && utc <= range.until && asked.some(it => matches(thing, it)))
      .sort((a, b) => a.utc - b.utc)
    // what is logged on change may be silent: nothing tells a wrong answer from that before there is a past
    if (
      found.length >= 40 &&
      world.wrongAnswer !== undefined &&
      wrongAnswers === 0 &&
      found.every(({ thing }) => thing.isRegular)
    ) {
      found.splice(world.wrongAnswer === 'empty' ? 0 : found.length >>> 2)
      wrongAnswers++
    }
    const act = whileAnswering
    whileAnswering = undefined
    const middle = act === undefined ? found.length : found.length >>> 1
    if (middle > 0) yield found.slice(0, middle).map(frameOf)
    act?.()
    if (middle < found.length) yield found.slice(middle).map(frameOf)
  }

  async function call({ path }: RestCall): Promise<RestAnswer> {
    calls++
    const page = new URL(path, 'http://x').searchParams.get('pg') ?? '1'
    const items = page === '1' ? itemsOf(path) : []
    return { status: 200, headers: {}, body: JSON.stringify(items) }
  }

  function itemsOf(path: string): readonly object[] {
    if (path.startsWith('/iap/devs?'))
      return things
        .filter(({ isListed }) => isListed)
        .map(({ id, uid, name: deviceName }) => ({ id, uid, name: deviceName, DID: id, deviceTypeName: typeOf(id) }))
    if (path.startsWith('/iap/devTypes/'))
      return things.map(({ id, isRegular, intervalMs }) => ({
        deviceTypeName: typeOf(id),
        fullDpName: `${block}/0/${xif}`,
        logged: true,
        logInterval1: isRegular && doubts ? intervalMs / 1000 : 0,
      }))
    return [{ blockName: block, blockIndex: 0, datapointName: xif }]
  }

  /** What lives as long as a process. */
  function startProcess() {
    const source = createRunSource({
      gateway: {
        name,
        clock: { now: gatewayNow, isOwnTime: true },
        async hello() {
          if (world.trouble === 'unreachable') throw unreachable()
          epoch.isSeen = true
          return { release: '4.10' }
        },
        call,
        knowDevices() {},
        readDataLog,
      },
      monitor: {
        start() {},
        hasDeviceChangedSince: at => deviceChangedAt > at,
        notificationsSince: () => [],
      },
      clock,
      log,
      selectors,
      meanings: {
        of: id => ledger.memory.deviceOf(name, id),
        note: (id, meaning) => ledger.memory.noteDevice(name, id, meaning),
      },
    })
    const limits = { sockets: 1, pause: 0, requestsPerMinute: 600, patience: 10 * minute }
    const job: GatewayJob = {
      source,
      clockWatch: createClockWatch(source, { clock, ledger }),
      turns: createTurns(),
      mapping: compileMapping(
        name,
        selectors.map(selector => ({ selector, measurement: 'datalog', field: undefined, tags: {} })),
      ),
      selectors,
      throttle: createThrottle({ limits, clock, gates: [], sink }),
      sockets: 1,
      requests: { entries: 50_000, shortest: minute, longest: 60 * day, per: 'datapoint', order: 'oldest' },
      maturity,
      demand: { kind: 'sync', sinceMs },
      keptMs: undefined,
      rules: [],
    }
    return job
  }
  let job: GatewayJob

  const world: PremiseWorld = {
    things,
    now: trueNow,
    gatewayNow,
    live(ms) {
      clock.advance(ms)
      logOn()
    },
    setGatewayClock(ms) {
      logOn()
      epoch = { isSeen: false }
      offset += ms - gatewayNow()
    },
    setHostClock: ms => clock.set(ms),
    inNextRequest(act) {
      whileAnswering = act
    },
    trouble: 'none',
    isDatabaseAway: false,
    wrongAnswer: undefined,
    deviceNotification() {
      deviceChangedAt = clock.elapsed()
    },
    restart() {
      job = startProcess()
    },
    async pass() {
      const deadline = clock.now() + 2 * hour
      const parts = { sink, ledger, database, deadLetters, clock, observe() {} }
      const passing = run(
        [{ ...job, demand: { kind: 'sync', sinceMs, deadline } }],
        parts,
        new AbortController().signal,
      )
      await passing.catch(error => {
        if (!world.isDatabaseAway) throw error
      })
    },
    lost() {
      const held = new Set([...sink.stored.values()].map(({ series, at }) => `${series.tags.get('device')} ${at.ms}`))
      return selectors.flatMap((selector, i) => {
        const { final } = coverageOf(selector)
        const { configured } = things[i]!
        return history
          .filter(({ thing, epoch: { isSeen } }) => thing === things[i] && isSeen)
          .filter(({ utc }) => final.covers({ after: utc - 1, until: utc }))
          .map(({ utc }) => `${configured} ${utc}`)
          .filter(key => !held.has(key))
      })
    },
    missing() {
      const wanted = { after: start, until: gatewayNow() - 3 * hour }
      return selectors.flatMap((selector, i) => {
        const gaps = coverageOf(selector).final.gaps(wanted)
        return gaps.map(({ after, until }) => `${things[i]!.configured} (${after}, ${until}]`)
      })
    },
    get requests() {
      return requests
    },
    get calls() {
      return calls
    },
  }

  function coverageOf(selector: Selector): { readonly final: RangeSet } {
    return ledger.coverage.of({ sink: sink.id, gateway: name }, [selector]).get(selector) ?? { final: RangeSet.empty }
  }

  job = startProcess()
  return world
}

function typeOf(id: string): string {
  return `type ${id}`
}

function frameOf({ thing, utc }: Logged): Frame {
  return JSON.stringify({
    utc: `${new Date(utc).toISOString()}[UTC]`,
    deviceId: thing.id,
    deviceName: thing.name,
    blockName: block,
    blockIndex: 0,
    datapointName: xif,
    value: 1,
  })
}
