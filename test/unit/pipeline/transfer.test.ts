import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeadLetterBox } from '../../../src/dead-letters/dead-letters.ts'
import type { Frame } from '../../../src/domain/entry.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { type Counts, isBalanced, type Receipt } from '../../../src/domain/receipt.ts'
import type { DataLogRequest } from '../../../src/domain/request.ts'
import { type LogSource, type TransferProof, transfer } from '../../../src/pipeline/transfer.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { logFrame } from '../../support/log-frames.ts'
import { runs } from '../../support/runs.ts'
import { refusal, scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const start = Date.UTC(2026, 0, 1)
const request: DataLogRequest = {
  gateway: 'plant-a',
  selectors: [{ device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { xif: 'nvoLux' } }],
  range: { after: start, until: start + 60_000 },
}

/** Ten minutes after what is asked for. */
const gatewayClock = { now: () => start + 660_000 }

/** A source that gives these batches, and then ends or fails. */
function sourceOf(batches: readonly (readonly Frame[])[], failure?: unknown): LogSource {
  return {
    clock: gatewayClock,
    async *readDataLog() {
      yield* batches
      if (failure !== undefined) throw failure
    },
  }
}

function open(source: LogSource, sink: Sink = scriptedSink(), folder = temporaryFolder()) {
  const clock = steeredClock()
  const recorded: Receipt[] = []
  const counted: Counts[][] = []
  const parts = {
    source,
    sink,
    clock,
    mapping: compileMapping('plant-a', []),
    deadLetters: new DeadLetterBox({ path: folder, maxSize: 1e9 }, clock),
    limit: { mostEntries: 1_000, canBeShorter: true },
    judge: () => false,
    record: ({ receipt, counts }: TransferProof) => {
      recorded.push({ ...receipt })
      counted.push([...counts])
    },
  }
  return {
    parts,
    recorded,
    counted,
    folder,
    run: (signal = new AbortController().signal) => transfer(request, parts, signal),
  }
}

function lettersIn(folder: string): { reason: string; raw: string; datapoint?: string }[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.ndjson'))
    .flatMap(name => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    .map(line => JSON.parse(line))
}

const cut = new Failure('the gateway closed the socket (1006) without "end"', {
  code: 'no-end',
  retry: 'soon',
  reach: 'request',
})

describe('a transfer', () => {
  it('counts every entry once: written, outside, duplicate, empty or rejected', async () => {
    const sink = scriptedSink(async points =>
      points.filter(({ fields }) => fields['value'] === 13).map(point => refusal(point)),
    )
    const { run, recorded, folder } = open(
      sourceOf([
        [
          logFrame(start + 1, { value: 1 }),
          logFrame(start, { value: 1 }),
          logFrame(start + 60_001, { value: 1 }),
          logFrame(start + 2, { device: 'Sensor 2' }),
        ],
        [
          logFrame(start + 60_000, { value: 2 }),
          logFrame(start + 1, { value: 1 }),
          logFrame(start + 1, { value: 5 }),
          logFrame(start + 3, { value: null }),
          logFrame(start + 4, { value: 13 }),
          '{"no":"entry"}',
          logFrame(start + 5, { value: { '': 1 } }),
        ],
      ]),
      sink,
    )
    const receipt = await run()
    expect(receipt).toMatchObject({
      received: 11,
      outside: 3,
      duplicate: 2,
      collapsed: 1,
      empty: 1,
      written: 2,
      rejected: 3,
    })
    expect(recorded).toEqual([receipt])
    expect([...sink.stored.values()].map(({ fields }) => fields)).toEqual([{ value: 5 }, { value: 2 }])
    expect(lettersIn(folder).map(({ reason }) => reason)).toEqual(['no-utc', 'empty-name', 'refused'])
    expect(lettersIn(folder)[0]!.raw).toBe('{"no":"entry"}')
  })

  it('counts apart what is later than the clock of the gateway, whosever it is, and writes none of it', async () => {
    const later = (ms: number, device = 'Sensor 1') => logFrame(gatewayClock.now() + ms, { device })
    // the clock is known to a minute
    const { run } = open(sourceOf([[logFrame(start + 1), later(60_000), later(60_001)], [later(1e9, 'Sensor 2')]]))
    expect(await run()).toMatchObject({ received: 4, written: 1, outside: 3, future: 2 })
  })

  it('makes durable what kind of value a datapoint logs before a point of that kind is written', async () => {
    const order: string[] = []
    const sink = scriptedSink(async () => {
      order.push('write')
      return []
    })
    const { parts } = open(sourceOf([[logFrame(start + 1)], [logFrame(start + 2)]]), sink)
    const mapping = { ...parts.mapping, keepPins: () => void order.push('keep') }
    await transfer(request, { ...parts, mapping }, new AbortController().signal)
    expect(order).toEqual(['keep', 'write', 'keep', 'write'])
  })

  it('keeps its balance, and every rejected one as a dead letter, whatever comes and whatever is refused', async () => {
    const anyFrame = fc.oneof(
      fc
        .tuple(
          fc.integer({ min: -3, max: 8 }),
          fc.oneof(
            fc.integer({ min: 0, max: 3 }),
            fc.constantFrom<unknown>(null, 'ON', true, { a: 1 }, { '': 1 }, [[]]),
          ),
          fc.constantFrom('nvoLux', 'nvoLux', 'nvoTemp'),
        )
        .map(([ms, value, xif]) => logFrame(start + ms, { value, xif })),
      fc.constantFrom('', 'null', '"End"', '{}', '[1]', '{"utc":'),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyFrame, { maxLength: 12 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        async (batches, refuseEvery) => {
          let count = 0
          const sink = scriptedSink(async points =>
            points.filter(() => ++count % refuseEvery === 0 && refuseEvery > 1).map(point => refusal(point)),
          )
          const { run, recorded, counted, folder } = open(sourceOf(batches), sink)
          const receipt = await run()
          expect(receipt.received).toBe(batches.flat().length)
          expect(isBalanced(receipt)).toBe(true)
          expect(Math.min(...Object.values(receipt))).toBeGreaterThanOrEqual(0)
          expect(lettersIn(folder)).toHaveLength(receipt.rejected)
          expect(recorded).toEqual([receipt])
          // of the one selector: all but what it has not asked for, and frames that name no datapoint
          const [{ received, written, rejected }] = counted[0] as [Counts]
          const unnamed = receipt.received - receipt.outside - received
          expect(unnamed).toBe(lettersIn(folder).filter(({ datapoint }) => datapoint === undefined).length)
          expect({ written, rejected }).toEqual({ written: receipt.written, rejected: receipt.rejected - unnamed })
        },
      ),
      { numRuns: runs(200) },
    )
  })

  it('counts for each selector what is its own, however many of them ask for it', async () => {
    const sink = scriptedSink(async points =>
      points.filter(({ fields }) => fields['value'] === 13).map(point => refusal(point)),
    )
    const source = sourceOf([
      [
        logFrame(start + 1),
        logFrame(start + 1),
        logFrame(start + 2, { value: 13 }),
        logFrame(start + 3, { value: { '': 1 } }),
        logFrame(start + 4, { xif: 'nvoTemp' }),
        logFrame(start + 5, { xif: 'nvoTemp', value: null }),
        logFrame(start + 6, { device: 'Sensor 2' }),
        'no entry',
      ],
    ])
    const { parts, counted } = open(source, sink)
    const device = { name: 'Sensor 1' }
    const selectors = [request.selectors[0], { device }, { device: { name: 'Sensor 9' } }] as const
    await transfer({ ...request, selectors }, parts, new AbortController().signal)
    expect(counted).toEqual([
      [
        { received: 4, written: 1, rejected: 2 },
        { received: 6, written: 2, rejected: 2 },
        { received: 0, written: 0, rejected: 0 },
      ],
    ])
  })

  it('without "end" records nothing and leaves no dead letter, although all of it was written', async () => {
    const sink = scriptedSink()
    const { run, recorded, folder } = open(sourceOf([[logFrame(start + 1), 'no entry']], cut), sink)
    await expect(run()).rejects.toBe(cut)
    expect(recorded).toEqual([])
    expect(readdirSync(folder)).toEqual([])
    // which is harmless: the same entries come again and change nothing
    expect(sink.stored.size).toBe(1)
  })

  it('in which the gateway tells of an error records nothing, though an "end" comes after it', async () => {
    const { run, recorded, folder } = open(
      sourceOf([[logFrame(start + 1), '{"error":"database is busy","status":500}']]),
    )
    await expect(run()).rejects.toMatchObject({ code: 'gateway-error', reach: 'request', retry: 'soon' })
    expect(recorded).toEqual([])
    expect(lettersIn(folder)).toEqual([])
  })

  it('records only after the sink has answered for every batch', async () => {
    const answers: (() => void)[] = []
    const sink = scriptedSink(() => new Promise(resolve => answers.push(() => resolve([]))))
    const { run, recorded } = open(sourceOf([[logFrame(start + 1)]]), sink)
    const done = run()
    await expect.poll(() => answers).toHaveLength(1)
    await new Promise(resolve => setImmediate(resolve))
    expect(recorded).toEqual([])
    answers[0]!()
    await done
    expect(recorded).toHaveLength(1)
  })

  it('records nothing if the sink fails after "end"', async () => {
    const failure = new Failure('no', { code: 'x', retry: 'never', reach: 'sink' })
    const sink = scriptedSink(async () => {
      throw failure
    })
    const { run, recorded } = open(sourceOf([[logFrame(start + 1)]]), sink)
    await expect(run()).rejects.toBe(failure)
    expect(recorded).toEqual([])
  })

  it('records nothing if the sink does not account for every point', async () => {
    const sink = scriptedSink()
    const forgetful: Sink = { ...sink, write: async points => ({ written: points.length - 1, rejected: [] }) }
    const { run, recorded } = open(sourceOf([[logFrame(start + 1), logFrame(start + 2)]]), forgetful)
    await expect(run()).rejects.toMatchObject({ code: 'unbalanced', retry: 'never', reach: 'run' })
    expect(recorded).toEqual([])
  })

  it.each([
    [true, 'too-dense', 'soon'],
    [false, 'too-dense-for-shortest', 'never'],
  ])('is cut off when it brings too much: can be shorter %s', async (canBeShorter, code, retry) => {
    const frames = Array.from({ length: 30 }, (_, i) => [logFrame(start + 1 + i)])
    const { parts, recorded } = open(sourceOf(frames))
    const limit = { mostEntries: 20, canBeShorter }
    const failure = await transfer(request, { ...parts, limit }, new AbortController().signal).catch(error => error)
    expect(failure).toMatchObject({ code, retry, reach: 'request', work: { entries: 21 } })
    expect(recorded).toEqual([])
  })

  it('has its dead letters safe before it is recorded', async () => {
    const { parts, folder } = open(sourceOf([['no entry']]))
    let seen: unknown[] = []
    const record = () => {
      seen = lettersIn(folder)
    }
    await transfer(request, { ...parts, record }, new AbortController().signal)
    expect(seen).toHaveLength(1)
  })

  it('that cannot be recorded fails as the ledger does', async () => {
    const failure = new Failure('disk full', { code: 'ledger-failed', retry: 'never', reach: 'run' })
    const { parts } = open(sourceOf([[logFrame(start + 1)]]))
    const record = () => {
      throw failure
    }
    await expect(transfer(request, { ...parts, record }, new AbortController().signal)).rejects.toBe(failure)
  })

  it('reads no further while two batches wait for the sink', async () => {
    let given = 0
    const source: LogSource = {
      clock: gatewayClock,
      async *readDataLog() {
        for (; given < 10; given++) yield [logFrame(start + given + 1)]
      },
    }
    const answers: (() => void)[] = []
    const sink = scriptedSink(() => new Promise(resolve => answers.push(() => resolve([]))))
    const { run } = open(source, sink)
    const done = run()
    await expect.poll(() => answers).toHaveLength(2)
    await new Promise(resolve => setImmediate(resolve))
    expect(given).toBe(1)
    for (let answered = 0; answered < 10; answered++) {
      await expect.poll(() => answers.length).toBeGreaterThan(answered)
      answers[answered]!()
    }
    expect(await done).toMatchObject({ received: 10, written: 10 })
    expect(sink.inFlight.most).toBe(2)
  })

  it('that fails leaves nothing behind, even if the sink refuses what was still on its way', async () => {
    const folder = join(temporaryFolder(), 'dead-letters')
    const sink = scriptedSink(async (points, signal) => {
      // an answer that comes although it was called back
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      return points.map(point => refusal(point))
    })
    const { run, recorded } = open(sourceOf([[logFrame(start + 1)]], cut), sink, folder)
    await expect(run()).rejects.toBe(cut)
    expect(sink.inFlight.now).toBe(0)
    expect(recorded).toEqual([])
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
  })

  it('that is stopped ends at once, with the reason, and records nothing', async () => {
    const stop = new AbortController()
    const reason = new Error('stopped by SIGTERM')
    const source: LogSource = {
      clock: gatewayClock,
      async *readDataLog(_, signal) {
        yield [logFrame(start + 1)]
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }
    const sink = scriptedSink((_, signal) => {
      setImmediate(() => stop.abort(reason))
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const { run, recorded } = open(source, sink)
    await expect(run(stop.signal)).rejects.toBe(reason)
    expect(recorded).toEqual([])
    expect(sink.inFlight.now).toBe(0)
  })

  it('takes its time by the clock it is given', async () => {
    const { parts, run } = open({
      clock: gatewayClock,
      async *readDataLog() {
        yield [logFrame(start + 1)]
        parts.clock.advance(1_234)
      },
    })
    expect((await run()).tookMs).toBe(1_234)
  })
})
