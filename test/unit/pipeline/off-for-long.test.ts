import { expect, it } from 'vitest'
import { day, hour, openPipeline, today } from '../../support/pipeline.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'

const sync = { kind: 'sync', sinceMs: 2 * day } as const

function openSync() {
  const pipeline = openPipeline()
  const source = scriptedGateway({ now: pipeline.clock.now })
  return {
    ...pipeline,
    pass: async (sinceMs: number = sync.sinceMs) => {
      const outcome = await pipeline.go([pipeline.job(source, { demand: { kind: 'sync', sinceMs } })])
      return outcome.gateways[0]!
    },
  }
}

it('after it was off for longer than it reaches back, a sync fetches what it once wanted, without a hole', async () => {
  const { clock, pass, covered } = openSync()
  await pass()
  clock.set(today + 10 * day)
  const outcome = await pass()
  expect(covered().ranges).toEqual([{ after: today - 2 * day, until: today + 10 * day }])
  // what is reported as complete up to its end begins where the first sync began
  expect(outcome.settled).toEqual({ after: today - 2 * day, until: today + 10 * day })
})

it('keeps the hole in its backlog where the time of a pass is too short for it', async () => {
  const { clock, job, go, covered } = openSync()
  const source = scriptedGateway({ now: clock.now })
  const once = async (deadline?: number) => (await go([job(source, { demand: { ...sync, deadline } })])).gateways[0]!
  await once()
  clock.set(today + 10 * day)
  const outcome = await once(clock.now() + 150)
  expect(outcome.leftMs).toBeGreaterThan(7 * day)
  expect(covered().gaps({ after: today - 2 * day, until: today + 10 * day }).length).toBe(1)
})

it('begins anew from a shorter time that was chosen since, and reaches further back with a longer one', async () => {
  const { clock, pass, covered } = openSync()
  await pass()
  clock.set(today + 10 * day)
  await pass(hour)
  expect(covered().ranges.at(-1)).toEqual({ after: today + 10 * day - hour, until: today + 10 * day })
  await pass(12 * day)
  expect(covered().ranges).toEqual([{ after: today - 2 * day, until: today + 10 * day }])
})
