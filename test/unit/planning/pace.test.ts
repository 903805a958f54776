import { describe, expect, it } from 'vitest'
import type { Share } from '../../../src/domain/receipt.ts'
import type { Width } from '../../../src/domain/request.ts'
import { keepsUp, type PaceParts, paceOf } from '../../../src/planning/pace.ts'

const minute = 60_000
const day = 1440 * minute
/** 180 devices with 504 datapoints, as a site had them. */
const site = Array.from({ length: 504 }, (_, i) => ({
  device: { name: `Sensor ${i % 180}` },
  block: 'b',
  index: 0,
  point: { name: `p${i}` },
}))

function pace(changes: Partial<PaceParts> & { widths?: Record<string, Width> } = {}) {
  const { widths = {}, ...rest } = changes
  return paceOf({
    selectors: site,
    requests: { per: 'device' },
    sync: { every: 5 * minute, lateness: 60 * minute },
    limits: { sockets: 1, pause: 500, requestsPerMinute: 12 },
    requestMs: 300,
    widthOf: group => widths[group],
    share: undefined,
    windowOf: () => day,
    ...rest,
  })
}

describe('the pace of a schedule', () => {
  it('that cannot keep up names what would, the gentlest for the gateway first', () => {
    const { remedies, requests, neededMs, ...rest } = pace()
    expect(keepsUp({ neededMs, ...rest })).toBe(false)
    // 180 requests, and every hour each device once more
    expect(requests).toBe(195)
    expect(neededMs).toBe(195 * 5_000)
    expect(remedies).toMatchObject([
      { setting: 'requests.per', value: 'auto', requests: 1 },
      { setting: 'requests.per', value: 'gateway', requests: 1 },
      { setting: 'sync.every' },
      { setting: 'limits.requestsPerMinute', value: 39 },
    ])
  })

  it.each<[string, Partial<PaceParts>]>([
    ['requests.per', { requests: { per: 'auto' } }],
    ['requests.per', { requests: { per: 'gateway' } }],
    ['sync.every', {}],
    ['limits.requestsPerMinute', {}],
  ])('keeps up with each remedy that it names: %s', (setting, change) => {
    const remedy = pace().remedies.find(it => it.setting === setting)!
    const changed =
      setting === 'sync.every'
        ? { sync: { every: Number(remedy.value), lateness: 60 * minute } }
        : setting === 'limits.requestsPerMinute'
          ? { limits: { sockets: 1, pause: 500, requestsPerMinute: Number(remedy.value) } }
          : change
    const better = pace(changed)
    expect(keepsUp(better)).toBe(true)
    expect(better.remedies).toEqual([])
  })

  it('names no rate that the time of a request does not allow', () => {
    const { remedies } = pace({ requestMs: 10_000 })
    expect(remedies.map(({ setting }) => setting)).toEqual(['requests.per', 'requests.per', 'sync.every'])
  })

  it('follows windows that are shorter than a pass', () => {
    const { requests } = pace({
      requests: { per: 'gateway' },
      windowOf: () => minute,
      sync: { every: 5 * minute, lateness: 0 },
    })
    expect(requests).toBe(5)
  })
})

describe('the grouping in use', () => {
  const measured = (outside: number): Share => ({ received: 2_000, outside, ms: day })
  const auto = { requests: { per: 'auto' } } as const
  it.each<[string, Parameters<typeof pace>[0], string, string, number]>([
    ['as configured', {}, 'device', 'configured', 180],
    ['before anything is measured', auto, 'gateway', 'unmeasured', 1],
    ['where it is wanted', { ...auto, widths: { '*': 'wide' }, share: measured(100) }, 'gateway', 'wanted', 1],
    [
      'where few entries come in vain',
      { ...auto, widths: { '*': 'narrow' }, share: measured(1_900) },
      'gateway',
      'few-in-vain',
      1,
    ],
    [
      'where most of it is not wanted',
      { ...auto, widths: { '*': 'narrow' }, share: { received: 9e6, outside: 8e6, ms: day } },
      'device',
      'unwanted',
      180,
    ],
    ['where filters are ignored', { ...auto, widths: { '*': 'always wide' } }, 'gateway', 'no-filters', 1],
    ['of few devices', { ...auto, selectors: site.slice(0, 3) }, 'device', 'few-devices', 3],
  ])('%s', (_, changes, per, reason, requests) => {
    const { grouping, ...known } = pace({ sync: { every: 5 * minute, lateness: 0 }, ...changes })
    expect(grouping).toMatchObject({ per, reason })
    expect(known.requests).toBe(requests)
  })
})
