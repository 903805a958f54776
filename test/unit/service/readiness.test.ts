import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import { untilReady } from '../../../src/service/readiness.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const away = new Failure('not reachable', { code: 'sink-unreachable', retry: 'later', reach: 'sink' })
const denied = new Failure('401', { code: 'sink-denied', retry: 'never', reach: 'sink' })

function answering(answers: readonly (string | Failure)[]) {
  const left = [...answers]
  return async () => {
    const next = left.shift()
    if (next instanceof Failure) throw next
    return next
  }
}

describe('a daemon whose database is away at the start', () => {
  it('waits for it, longer each time, and says so', async () => {
    const clock = steeredClock()
    clock.runFreely()
    const { log, lines } = recordedLog()
    const check = answering([away, away, away, 'ready'])
    expect(await untilReady(check, { clock, log }, new AbortController().signal)).toBe('ready')
    expect(clock.slept).toEqual([1_000, 2_000, 4_000])
    expect(lines.map(({ code }) => code)).toEqual(Array(3).fill('sink-unreachable'))
  })

  it('gives up where waiting cannot help, and stops at the signal', async () => {
    const clock = steeredClock()
    const { log } = recordedLog()
    const stop = new AbortController()
    await expect(untilReady(answering([denied]), { clock, log }, stop.signal)).rejects.toBe(denied)
    const waiting = untilReady(answering([away]), { clock, log }, stop.signal)
    const reason = new DOMException('stopped', 'AbortError')
    setImmediate(() => stop.abort(reason))
    await expect(waiting).rejects.toBe(reason)
  })
})
