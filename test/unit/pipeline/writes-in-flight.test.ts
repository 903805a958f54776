import { describe, expect, it } from 'vitest'
import type { DeadLetter } from '../../../src/dead-letters/dead-letters.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { Remarks } from '../../../src/domain/remark.ts'
import { Tally } from '../../../src/entries/tally.ts'
import { WritesInFlight } from '../../../src/pipeline/writes-in-flight.ts'
import type { Refusal } from '../../../src/sinks/sink.ts'
import { makePoint, makePoints, makeSeries } from '../../support/points.ts'
import { refusal, scriptedSink } from '../../support/scripted-sink.ts'

const series = makeSeries()

/** Writes whose answers the test gives one by one. */
function openWrites(signal = new AbortController().signal) {
  const answers: PromiseWithResolvers<readonly Refusal[]>[] = []
  const sink = scriptedSink((_, aborted) => {
    const answer = Promise.withResolvers<readonly Refusal[]>()
    answers.push(answer)
    aborted.addEventListener('abort', () => answer.reject(aborted.reason))
    return answer.promise
  })
  const receipt = emptyReceipt()
  const letters: DeadLetter[] = []
  const remarks = new Remarks()
  const draft = { add: (letter: DeadLetter) => void letters.push(letter), commit() {}, close() {} }
  return {
    writes: new WritesInFlight({ sink, receipt, letters: draft, tally: new Tally(1), remarks }, signal),
    sink,
    receipt,
    remarks,
    letters,
    answers,
  }
}

/** Whether a promise has resolved by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  const turn = new Promise(resolve => setImmediate(() => resolve(pending)))
  return (await Promise.race([promise, turn])) !== pending
}

describe('a text that a database for numbers cannot hold', () => {
  it('is counted and named once for its datapoint, and is no dead letter', async () => {
    const { writes, answers, receipt, letters, remarks } = openWrites()
    const points = [
      ...makePoints(series, 2),
      makePoint(series, 5, { text: 'ON' }),
      makePoint(series, 6, { text: 'OFF' }),
    ]
    await writes.add(points)
    answers[0]!.resolve(points.slice(2).map(point => ({ point, code: 'strings-not-held', reason: 'numbers alone' })))
    await writes.settle()
    expect(receipt).toMatchObject({ written: 2, empty: 2, unheld: 2, rejected: 0 })
    expect(letters).toEqual([])
    expect(remarks.all()).toEqual([expect.objectContaining({ kind: 'unheld', entries: 2, texts: ['ON', 'OFF'] })])
  })
})

describe('batches on their way to the sink', () => {
  it('are two at most: the next is taken when one is answered', async () => {
    const { writes, sink, answers, receipt } = openWrites()
    await writes.add(makePoints(series, 3))
    const second = writes.add(makePoints(series, 2))
    expect(await isDone(second)).toBe(false)
    expect(sink.batches).toHaveLength(2)
    expect(receipt.written).toBe(0)
    answers[0]!.resolve([])
    await second
    expect(receipt.written).toBe(3)
    const third = writes.add(makePoints(series, 1))
    expect(await isDone(third)).toBe(false)
    // in whatever order they are answered
    answers[2]!.resolve([])
    await third
    const settled = writes.settle()
    expect(await isDone(settled)).toBe(false)
    answers[1]!.resolve([])
    await settled
    expect(receipt.written).toBe(6)
    expect(sink.inFlight.most).toBe(2)
  })

  it('that are empty are not sent', async () => {
    const { writes, sink } = openWrites()
    await writes.add([])
    await writes.settle()
    expect(sink.batches).toEqual([])
  })

  it('count what was refused, and keep it with its reason', async () => {
    const { writes, answers, receipt, letters } = openWrites()
    const points = makePoints(series, 3)
    await writes.add(points)
    answers[0]!.resolve([refusal(points[1]!, 'field type conflict')])
    await writes.settle()
    expect(receipt).toMatchObject({ written: 2, rejected: 1 })
    expect(letters).toHaveLength(1)
    expect(letters[0]).toMatchObject({ reason: 'refused', detail: 'field type conflict' })
    expect(letters[0]!.datapoint).toBe('Sensor 1/LightSensor/0/nvoLux')
    expect(letters[0]!.point).toEqual({
      measurement: 'datalog',
      tags: Object.fromEntries(series.tags),
      at: points[1]!.at,
      fields: points[1]!.fields,
    })
  })

  it('keep the frame of what was refused, so that other rules can make another point of it', async () => {
    const { writes, answers, letters } = openWrites()
    const points = makePoints(series, 3)
    await writes.add(points, ['a', 'b', 'c'])
    answers[0]!.resolve([refusal(points[2]!), refusal(points[0]!)])
    await writes.settle()
    expect(letters.map(({ raw, point }) => ({ raw, point }))).toEqual([
      { raw: 'c', point: undefined },
      { raw: 'a', point: undefined },
    ])
  })

  it('say in the letter that a part was written: such a point is in the database', async () => {
    const { writes, answers, letters } = openWrites()
    const points = makePoints(series, 2)
    await writes.add(points)
    answers[0]!.resolve([{ ...refusal(points[0]!), partly: true }, refusal(points[1]!)])
    await writes.settle()
    expect(letters.map(({ partly }) => partly)).toEqual([true, undefined])
  })

  it('count apart what is too old for the database', async () => {
    const { writes, answers, receipt } = openWrites()
    const points = makePoints(series, 3)
    await writes.add(points)
    answers[0]!.resolve([refusal(points[0]!), { point: points[1]!, code: 'retention', reason: 'too old' }])
    await writes.settle()
    expect(receipt).toMatchObject({ written: 1, rejected: 2, tooOld: 1 })
  })

  it('that fail are heard of at the next step, whichever it is', async () => {
    const trouble = new Error('401')
    for (const step of ['add', 'settle', 'correct'] as const) {
      const { writes, answers } = openWrites()
      await writes.add(makePoints(series, 1))
      answers[0]!.reject(trouble)
      await expect(writes[step](makePoints(series, 1)), step).rejects.toBe(trouble)
      await writes.abandon()
    }
  })

  it('end when abandoned, and their failures are ignored', async () => {
    const { writes, sink } = openWrites()
    await writes.add(makePoints(series, 1))
    await writes.abandon()
    expect(sink.inFlight.now).toBe(0)
    await writes.abandon()
  })

  it('end when the run is stopped', async () => {
    const stop = new AbortController()
    const { writes } = openWrites(stop.signal)
    await writes.add(makePoints(series, 1))
    const reason = new Error('stopped')
    stop.abort(reason)
    await expect(writes.settle()).rejects.toBe(reason)
  })
})

describe('corrections', () => {
  it('go out alone: after all else is answered, and before anything more', async () => {
    const { writes, sink, answers } = openWrites()
    await writes.add(makePoints(series, 1))
    const corrected = writes.correct([makePoint(series, 1, { value: 2 })])
    expect(await isDone(corrected)).toBe(false)
    expect(sink.batches).toHaveLength(1)
    answers[0]!.resolve([])
    await expect.poll(() => sink.batches).toHaveLength(2)
    expect(await isDone(corrected)).toBe(false)
    answers[1]!.resolve([])
    await corrected
    expect(sink.inFlight.most).toBe(1)
  })

  it('are counted as duplicates already; a refused one is rejected in place of that', async () => {
    const { writes, answers, receipt } = openWrites()
    receipt.duplicate = 3
    receipt.collapsed = 2
    const point = makePoint(series, 1, { value: 2 })
    const corrected = writes.correct([point, makePoint(series, 2, { value: 2 })])
    await expect.poll(() => answers).toHaveLength(1)
    answers[0]!.resolve([refusal(point)])
    await corrected
    expect(receipt).toMatchObject({ written: 0, duplicate: 2, collapsed: 1, rejected: 1 })
  })
})
