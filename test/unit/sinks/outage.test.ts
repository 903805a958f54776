import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createOutageGate, type Trouble } from '../../../src/sinks/influxdb/outage.ts'
import type { Outage } from '../../../src/sinks/sink.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const never = new AbortController().signal
const refused: Trouble = { reason: 'ECONNREFUSED', afterMs: undefined }

function open() {
  const clock = steeredClock()
  return { clock, patience: createOutageGate({ clock, log: recordedLog().log, label: 'InfluxDB x' }) }
}

describe('waiting for a database', () => {
  it('lasts as long as it has asked for, whatever it answers to another request meanwhile', async () => {
    const { clock, patience } = open()
    void patience.wait({ reason: '429', afterMs: 20_000 }, never, {})
    patience.answered({})
    let passed = false
    const pass = patience.pass(never, {}).then(() => {
      passed = true
    })
    clock.advance(19_999)
    await turn()
    expect(passed).toBe(false)
    clock.advance(1)
    await pass
    patience.answered({})
    await patience.pass(never, {})
  })

  it('ends after the patience of who has one, and not before', async () => {
    const { clock, patience } = open()
    clock.runFreely()
    const began = clock.now()
    const giveUp = async () => {
      while (true) await patience.wait(refused, never, { patienceMs: 30_000 })
    }
    await expect(giveUp()).rejects.toMatchObject({ code: 'database-away', reach: 'sink', retry: 'soon' })
    expect(clock.now() - began).toBeGreaterThan(10_000)
    expect(clock.now() - began).toBeLessThanOrEqual(30_000)
    clock.advance(30_000)
    // the next one need not find out anew
    await expect(patience.pass(never, { patienceMs: 30_000 })).rejects.toMatchObject({ code: 'database-away' })
    await patience.pass(never, {})
  })

  it('is over when a probe is answered; the reason of the wait is reported, and its end', async () => {
    const { clock, patience } = open()
    clock.runFreely()
    const began = clock.now()
    await patience.wait(refused, never, {})
    const told: (Outage | undefined)[] = []
    const probes = [refused, refused, undefined]
    await patience.outlast(async () => probes.shift(), never, { tell: outage => void told.push(outage) })
    expect(probes).toEqual([])
    expect(told[0]).toEqual({ since: began, reason: 'ECONNREFUSED' })
    expect(told.at(-1)).toBeUndefined()
    await patience.outlast(() => Promise.reject(new Error('not asked')), never, {})
  })

  it('ends at the deadline, though the database is away still', async () => {
    const { clock, patience } = open()
    clock.runFreely()
    await patience.wait(refused, never, {})
    const deadline = clock.now() + 90_000
    await patience.outlast(async () => refused, never, { deadline })
    expect(clock.now()).toBe(deadline)
  })
})
