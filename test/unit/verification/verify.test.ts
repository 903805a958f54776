import { describe, expect, it } from 'vitest'
import type { TimeRange } from '../../../src/domain/range.ts'
import { emptyCompared } from '../../../src/verification/tallies.ts'
import { type Mode, type VerifyParts, verify } from '../../../src/verification/verify.ts'
import { makePoints, makeSeries } from '../../support/points.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const never = new AbortController().signal
const series = makeSeries()
const selector = { device: { name: 'Sensor 1' } }
const everything = { after: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }
const from = 1_600_000_000_000
/** Of ten points, one a second, five are in each range: all that are proven of the first, one too few of the second. */
const right = { after: from - 1, until: from + 4_000 }
const short = { after: from + 4_000, until: from + 9_000 }

async function verified(
  mode: Mode,
  { isConfigured = true, within = everything as TimeRange, equal = 5, reaches = true } = {},
) {
  const clock = steeredClock()
  clock.runFreely()
  const settling = { clock, stillMs: 30_000, observe: () => {} }
  const sink = scriptedSink()
  await sink.write(makePoints(series, 10, from), never)
  const read: TimeRange[] = []
  const gateways: VerifyParts['gateways'] = {
    isConfigured: () => isConfigured,
    async *reread(_, range) {
      read.push(range)
      yield {
        range,
        comparison: { ...emptyCompared(), equal, series: new Set(), lacking: [], altered: [] },
        repaired: undefined,
      }
    },
    reaches: () => reaches,
  }
  const proofs = [
    { range: right, points: 5 },
    { range: short, points: 6 },
  ]
  const ledger: VerifyParts['ledger'] = {
    proofs: { claims: () => [{ selector, proofs, series: [series] }], restate: () => {} },
  }
  const claims = { gateways: [{ name: 'plant-a', selectors: [selector] }], within, oldest: Number.NEGATIVE_INFINITY }
  const findings = []
  const parts = { sink, ledger, gateways, settling, entries: 1_000, observe: () => {} }
  for await (const { after } of verify(claims, mode, parts, never)) findings.push(after)
  return { findings, read }
}

describe('a verification', () => {
  it('by counts asks the gateway for nothing', async () => {
    const { findings, read } = await verified({ compare: 'counts', repair: 'none' })
    expect(read).toEqual([])
    expect(findings.map(({ verdict, missing }) => [verdict, missing])).toEqual([
      ['equal', 0],
      ['differs', 1],
    ])
  })

  it('by counts with repair reads only the ranges whose count differs', async () => {
    const { findings, read } = await verified({ compare: 'counts', repair: 'repair' })
    expect(read).toEqual([short])
    expect(findings.map(({ range }) => range)).toEqual([right, short])
    expect(findings[1]).toMatchObject({ verdict: 'differs', lost: 1 })
  })

  it('judges nothing but the time that is wanted, where the gateway still has all of it', async () => {
    const within = { after: short.after, until: from + 6_000 }
    const mode = { compare: 'counts', repair: 'repair' } as const
    const { findings } = await verified(mode, { within, equal: 2 })
    expect(findings).toMatchObject([{ range: within, verdict: 'equal', equal: 2, missing: 0, proof: 6, found: 5 }])
    for (const lacking of [{ reaches: false }, { equal: 0 }])
      expect((await verified(mode, { within, equal: 2, ...lacking })).findings).toMatchObject([{ verdict: 'differs' }])
  })

  it('of all entries reads every range, clipped to the time that is wanted', async () => {
    const within = { after: from + 1_000, until: from + 6_000 }
    const { read } = await verified({ compare: 'full', repair: 'none' }, { within })
    expect(read).toEqual([
      { after: within.after, until: right.until },
      { after: short.after, until: within.until },
    ])
  })

  it('of all entries does not call equal what it cannot read', async () => {
    const { findings, read } = await verified({ compare: 'full', repair: 'none' }, { isConfigured: false })
    expect(read).toEqual([])
    expect(findings[0]).toMatchObject({ verdict: 'unconfirmed', equal: 0, unconfirmed: 5 })
  })

  it('of a sample says nothing about ranges that were not drawn', async () => {
    const { findings, read } = await verified({ compare: { days: 1, seed: 3 }, repair: 'none' })
    expect(read).toHaveLength(1)
    expect(findings.map(({ range }) => range)).toEqual(read)
  })
})
