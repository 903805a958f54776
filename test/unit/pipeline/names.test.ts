import { expect, it } from 'vitest'
import { type Selector, selectorKey } from '../../../src/domain/datapoint.ts'
import type { Listing } from '../../../src/pipeline/job.ts'
import { day, hour, lux, minute, openPipeline, today } from '../../support/pipeline.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'

/** A gateway whose datapoint may be renamed; each time its list is read it says what it has then. */
function openRenamed({ perDay = 1_440 as number | undefined } = {}) {
  const pipeline = openPipeline()
  const { clock, ledger, job, go, events, sink } = pipeline
  let hasName = true
  let listing: Listing | undefined
  let reads = 0
  const scripted = scriptedGateway({
    now: clock.now,
    entryAt: ({ until }) => (hasName ? until : undefined),
  })
  const read = () => {
    reads++
    const has = hasName
    listing = { readAt: clock.elapsed(), has: () => has }
  }
  const source = {
    ...scripted,
    hello: async () => {
      if (listing === undefined) read()
    },
    listing: () => listing,
    readListAgain: async () => read(),
    expectedPerDay: (): number | undefined => perDay,
  }
  return {
    ...pipeline,
    source,
    reads: () => reads,
    rename: (is: boolean) => {
      hasName = is
    },
    missing: () => events.flatMap(event => (event.kind === 'names-missing' ? event.selectors : [])),
    unconfirmed: () => ledger.names.unconfirmed(source.name),
    backfill: (after: number, until: number) => go([job(source, { demand: { kind: 'once', after, until } })]),
    pass: async () => {
      const maturity = { settle: minute, lateness: minute }
      await go([job(source, { demand: { kind: 'sync', sinceMs: day }, maturity, limits: { pause: 0 } })])
      await clock.sleep(5 * minute)
    },
    covered: () => ledger.coverage.of({ sink: sink.id, gateway: source.name }, [lux]).get(lux)!,
  }
}

const keys = (selectors: readonly Selector[]) => selectors.map(selectorKey)

it('what a renamed datapoint answers with nothing is not complete, and is fetched once the name is right', async () => {
  const site = openRenamed()
  await site.backfill(today - 2 * day, today - day)
  const { final } = site.covered()
  site.rename(false)
  await site.backfill(today - day, today)
  expect(keys(site.missing())).toEqual([selectorKey(lux)])
  expect(site.covered().final).toEqual(final)
  // the name stays missing: an empty answer is never recorded
  await site.backfill(today - day, today)
  expect(site.covered().final).toEqual(final)
  site.rename(true)
  site.source.readListAgain()
  await site.backfill(today - day, today)
  expect(site.covered().final.covers({ after: today - 2 * day, until: today })).toBe(true)
})

it('an empty answer of a name that is listed is complete, and its list is read once more and not again', async () => {
  const site = openRenamed()
  site.rename(false)
  const { source } = site
  let listed: Listing = { readAt: 0, has: () => true }
  source.listing = () => listed
  source.readListAgain = async () => {
    listed = { ...listed }
  }
  await site.backfill(today - day, today)
  expect(site.covered().final.covers({ after: today - day, until: today })).toBe(true)
  expect(site.unconfirmed()).toEqual([])
})

it.each([
  ['that logs once a minute is noticed within a pass or two', 1_440, 15 * minute],
  ['that logs on change is noticed within an hour or so', undefined, 70 * minute],
])('a sync with a renamed datapoint %s', async (_, perDay, withinMs) => {
  const site = openRenamed({ perDay })
  for (let n = 0; n < 6; n++) await site.pass()
  const renamedAt = site.clock.now()
  site.rename(false)
  while (site.missing().length === 0 && site.clock.now() < renamedAt + 3 * hour) await site.pass()
  expect(site.clock.now() - renamedAt).toBeLessThanOrEqual(withinMs)
  const { final, provisional } = site.covered()
  expect(final.add(provisional).intersect({ after: renamedAt, until: site.clock.now() }).ranges).toEqual([])
})

it('a healthy sync reads the list no more often than before', async () => {
  const site = openRenamed()
  for (let n = 0; n < 24; n++) await site.pass()
  expect(site.reads()).toBe(1)
})

it.each([
  ['with nothing', undefined],
  ['that ends in mid-range', today - 12 * hour],
])('an improbable answer %s is asked for once more before it is final', async (_, newest) => {
  const { clock, job, go, ledger, sink } = openPipeline()
  let isWrong = true
  let wrong = 0
  const source = {
    ...scriptedGateway({
      now: clock.now,
      frames: ({ after, until }) => {
        const times: number[] = []
        for (let at = Math.floor(after / minute) * minute + minute; at <= until; at += minute) times.push(at)
        if (!isWrong) return times
        wrong++
        return times.filter(at => newest !== undefined && at <= newest)
      },
    }),
    listing: (): Listing => ({ readAt: 0, has: () => true }),
    expectedPerDay: () => 1_440,
    readListAgain: async () => {
      isWrong = false
    },
  }
  const requests = { entries: 50_000, shortest: minute, longest: 2 * day, per: 'datapoint', order: 'oldest' } as const
  const windowed = { demand: { kind: 'once', after: today - day, until: today }, requests } as const
  const { gateways } = await go([job(source, windowed)])
  expect(wrong).toBeGreaterThan(0)
  expect(gateways[0]!.receipt.written).toBeGreaterThanOrEqual(newest === undefined ? 1_440 : 720)
  const { final } = ledger.coverage.of({ sink: sink.id, gateway: source.name }, [lux]).get(lux)!
  expect(final.covers({ after: today - day, until: today })).toBe(true)
})
