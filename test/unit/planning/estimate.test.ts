import { describe, expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { RangeSet, rangeLength, type TimeRange } from '../../../src/domain/range.ts'
import { emptyReceipt, type PastTransfer, type Receipt } from '../../../src/domain/receipt.ts'
import { createBacklog } from '../../../src/planning/backlog.ts'
import {
  assumedSpeed,
  type Density,
  type EstimateParts,
  estimate,
  measureDensity,
  measureSpeed,
  turnMs,
} from '../../../src/planning/estimate.ts'
import { groupKey } from '../../../src/planning/grouping.ts'

const dayMs = 86_400_000

function past(asked: string, range: TimeRange, counts: Partial<Receipt>): PastTransfer {
  return { asked, range, receipt: { ...emptyReceipt(), ...counts } }
}

/** Requests of these sizes to a gateway of this speed. */
function requests(sizes: readonly number[], requestMs: number, perSecond: number): PastTransfer[] {
  return sizes.map((received, i) =>
    past(
      'A',
      { after: i * dayMs, until: (i + 1) * dayMs },
      { received, tookMs: requestMs + (received / perSecond) * 1000 },
    ),
  )
}

describe('the speed of a gateway', () => {
  it('is assumed until there are enough requests to tell', () => {
    expect(measureSpeed([])).toEqual(assumedSpeed)
    expect(measureSpeed(requests([50_000, 20_000], 100, 9_000))).toEqual(assumedSpeed)
  })

  it('is divided into the cost of a request and the cost of each entry', () => {
    const speed = measureSpeed(requests([100, 50_000, 20_000, 8_000], 700, 2_000))
    expect(speed.requestMs).toBeCloseTo(700, 6)
    expect(speed.entriesPerSecond).toBeCloseTo(2_000, 6)
    expect(speed).toMatchObject({ measuredBy: 4, isRateMeasured: true })
  })

  it('measured by small requests alone says what asking costs, and assumes the rest', () => {
    const speed = measureSpeed(requests([10, 20, 30], 400, 5_000))
    expect(speed.requestMs).toBeCloseTo(400, 6)
    expect(speed).toMatchObject({ entriesPerSecond: 5_000, measuredBy: 3, isRateMeasured: false })
  })

  it('measured by requests of one size is their rate', () => {
    expect(measureSpeed(requests([10_000, 10_000, 10_000], 1_000, 10_000))).toEqual({
      requestMs: 0,
      entriesPerSecond: 5_000,
      measuredBy: 3,
      isRateMeasured: true,
    })
  })
})

describe('the density of a log', () => {
  it('is what earlier requests for the same have brought, with what was not asked for apart', () => {
    const measured = measureDensity([
      past('A', { after: 0, until: dayMs }, { received: 300, outside: 150, bytes: 120_000 }),
      past('A', { after: dayMs, until: 3 * dayMs }, { received: 300, outside: 150, bytes: 120_000 }),
      past('B', { after: 0, until: 2 * dayMs }, { received: 10, bytes: 1_000 }),
    ])
    expect(measured.get('A')).toEqual({ received: 200, wanted: 100, bytesPerEntry: 400, source: 'measured' })
    expect(measured.get('B')).toMatchObject({ received: 5, wanted: 5, bytesPerEntry: 100 })
  })

  it('leaves out what was pruned before it was asked for, and says nothing of what was always empty or short', () => {
    const measured = measureDensity([
      past('A', { after: 0, until: 10 * dayMs }, {}),
      past('A', { after: 10 * dayMs, until: 11 * dayMs }, { received: 50, bytes: 50 }),
      past('A', { after: 11 * dayMs, until: 12 * dayMs }, {}),
      past('B', { after: 0, until: 10 * dayMs }, {}),
      past('C', { after: 0, until: 60_000 }, { received: 1, bytes: 1 }),
    ])
    expect([...measured.keys()]).toEqual(['A'])
    expect(measured.get('A')?.received).toBe(25)
  })
})

describe('one request after the other', () => {
  it.each([
    ['the pause', 300, { sockets: 1, pause: 500, requestsPerMinute: 600 }, 800],
    ['the requests of a minute', 300, { sockets: 1, pause: 500, requestsPerMinute: 60 }, 1_000],
    ['several sockets at a time', 3_500, { sockets: 4, pause: 500, requestsPerMinute: 600 }, 1_000],
  ])('is held back by %s', (_, requestMs, limits, expected) => {
    expect(turnMs(requestMs, limits)).toBe(expected)
  })
})

const selectors: readonly Selector[] = [{ device: { name: 'A' } }, { device: { name: 'B' } }]
const tenDays = { after: 0, until: 10 * dayMs }
const hundredADay: Density = { received: 200, wanted: 100, bytesPerEntry: 10, source: 'rules' }

function estimateOf(changes: Partial<EstimateParts> = {}, wanted = selectors) {
  const backlog = createBacklog(
    wanted.map(selector => ({ selector, ranges: RangeSet.of(tenDays) })),
    { keyOf: selector => groupKey(selector, 'auto'), matureUntil: 10 * dayMs, newestFirst: false },
  )
  return estimate(backlog, {
    densityOf: () => hundredADay,
    storedPart: (_, range) => range,
    speed: { ...assumedSpeed, requestMs: 100, entriesPerSecond: 1_000 },
    limits: { sockets: 1, pause: 500, requestsPerMinute: 600 },
    order: 'oldest',
    windowOf: () => dayMs,
    learn: () => {},
    mostRequests: 1_000,
    ...changes,
  })
}

describe('an estimate', () => {
  it('counts the requests that a run would make, and what they bring and take', () => {
    expect(estimateOf()).toEqual({
      requests: 20,
      isCutShort: false,
      entries: 2_000,
      received: 4_000,
      bytes: 40_000,
      // 200 entries a request at 1,000/s, asking, and the pause
      tookMs: 20 * (100 + 200 + 500),
    })
  })

  it('counts no entries of time that the gateway has pruned, but the requests for it', () => {
    const storedPart = (_: unknown, { after, until }: TimeRange) => ({
      after: Math.min(until, Math.max(after, 7 * dayMs)),
      until,
    })
    expect(estimateOf({ storedPart })).toMatchObject({ requests: 20, entries: 600, received: 1_200 })
  })

  it('is of requests that grow as those of a run do', () => {
    let windowMs = dayMs
    const seen: number[] = []
    const learn = (_: string, range: TimeRange, { received }: { received: number }) => {
      seen.push(received)
      windowMs = rangeLength(range) * 2
    }
    const found = estimateOf({ windowOf: () => windowMs, learn }, [{ device: { name: 'A' } }])
    // 1 + 2 + 4 days, and the rest of 3
    expect(seen).toEqual([200, 400, 800, 600])
    expect(found).toMatchObject({ requests: 4, entries: 1_000 })
  })

  it('stops counting requests at the limit and says so; entries are of all', () => {
    expect(estimateOf({ mostRequests: 7 })).toMatchObject({ requests: 7, isCutShort: true, entries: 2_000 })
    expect(estimateOf({ mostRequests: 20 })).toMatchObject({ requests: 20, isCutShort: false })
  })

  it('of nothing is nothing', () => {
    expect(estimateOf({}, [])).toMatchObject({ requests: 0, entries: 0, bytes: 0, tookMs: 0, isCutShort: false })
  })
})
