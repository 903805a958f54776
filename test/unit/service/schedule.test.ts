import { describe, expect, it } from 'vitest'
import { repeat } from '../../../src/service/schedule.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const every = 300_000

/** Turns that end when the test says so. */
function openSchedule() {
  const clock = steeredClock()
  const began = clock.now()
  const stop = new AbortController()
  const turns: { readonly at: number; readonly end: PromiseWithResolvers<void> }[] = []
  let running = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++running)
    const end = Promise.withResolvers<void>()
    turns.push({ at: clock.now() - began, end })
    await end.promise
    running--
  }
  const ended = repeat(every, clock, work, stop.signal)
  /** Ends the turn that is under way, and waits until the schedule sleeps. */
  async function endTurn(): Promise<void> {
    turns.at(-1)!.end.resolve()
    await expect.poll(() => clock.sleeping).toBe(1)
  }
  async function untilTurn(count: number): Promise<void> {
    await expect.poll(() => turns.length).toBe(count)
  }
  return { clock, stop, turns, ended, endTurn, untilTurn, most: () => most, times: () => turns.map(({ at }) => at) }
}

describe('a schedule', () => {
  it('begins at once, and then keeps its beat whatever a turn takes', async () => {
    const { clock, endTurn, untilTurn, times, stop, ended } = openSchedule()
    await untilTurn(1)
    for (const [i, took] of [0, 1_000, 299_999].entries()) {
      clock.advance(took)
      await endTurn()
      clock.advance(every - took)
      await untilTurn(i + 2)
    }
    expect(times()).toEqual([0, every, 2 * every, 3 * every])
    await endTurn()
    stop.abort()
    await ended
  })

  it('never has two turns at a time: one that takes longer skips those it has run into', async () => {
    const { clock, endTurn, untilTurn, times, most, stop, ended } = openSchedule()
    await untilTurn(1)
    clock.advance(2.5 * every)
    expect(times()).toHaveLength(1)
    await endTurn()
    clock.advance(0.5 * every - 1)
    await endTurn()
    expect(times()).toHaveLength(1)
    clock.advance(1)
    await untilTurn(2)
    expect(times()).toEqual([0, 3 * every])
    // one that takes exactly its time waits for the next beat rather than running on without a breath
    clock.advance(every)
    await endTurn()
    clock.advance(every)
    await untilTurn(3)
    expect(times()).toEqual([0, 3 * every, 5 * every])
    expect(most()).toBe(1)
    await endTurn()
    stop.abort()
    await ended
  })

  it('goes on in its beat when the clock is set back by a year or ahead', async () => {
    for (const ms of [-365 * 86_400_000, 10 * 86_400_000 + 7]) {
      const { clock, endTurn, untilTurn, times, stop, ended } = openSchedule()
      await untilTurn(1)
      clock.set(clock.now() + ms)
      await endTurn()
      clock.advance(every)
      await untilTurn(2)
      expect(times()).toHaveLength(2)
      await endTurn()
      stop.abort()
      await ended
    }
  })

  it('ends when it is stopped, asleep or at work', async () => {
    const asleep = openSchedule()
    await asleep.untilTurn(1)
    await asleep.endTurn()
    asleep.stop.abort(new Error('stopped'))
    await asleep.ended
    expect(asleep.clock.sleeping).toBe(0)

    const atWork = openSchedule()
    await atWork.untilTurn(1)
    atWork.stop.abort(new Error('stopped'))
    atWork.turns[0]!.end.reject(atWork.stop.signal.reason)
    await atWork.ended
    expect(atWork.turns).toHaveLength(1)
  })

  it('ends with the trouble of a turn, also while it is being stopped', async () => {
    for (const isStopped of [false, true]) {
      const { turns, stop, ended, untilTurn } = openSchedule()
      await untilTurn(1)
      const trouble = new Error('disk full')
      if (isStopped) stop.abort(new Error('stopped'))
      turns[0]!.end.reject(trouble)
      await expect(ended).rejects.toBe(trouble)
    }
  })
})
