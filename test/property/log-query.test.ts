import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/domain/failure.ts'
import { parseLogQuery } from '../../src/simulator/query.ts'
import { releases } from '../../src/simulator/releases.ts'
import { describe as datapointOf } from '../../src/simulator/site.ts'
import { type LogQuery, logQueryPath, type NameFilter } from '../../src/smartserver/log-query.ts'
import { runs } from '../support/runs.ts'

/** Few and short, so that a datapoint often has the name that is asked for; `*+name==` is a fair name too. */
const anyName = fc.oneof(
  fc.constantFrom('a', 'A', 'a b', '*+name==a', 'nvoLux[1]', 'x=y+z', 'ü/"%26', '日本', '5'),
  fc.string({ unit: 'grapheme', minLength: 1 }).filter(name => name.isWellFormed() && !/[\p{Cc}&]/u.test(name)),
)
const bareName = anyName.filter(name => !name.startsWith('*'))
const anyFilter: fc.Arbitrary<NameFilter> = fc.oneof(
  fc.record({ name: anyName }),
  fc.record({ xifName: anyName }),
  fc.record({ bare: bareName }),
)
const anyTime = fc.integer({ min: 0, max: 253_402_300_799_999 })
const anyQuery: fc.Arbitrary<LogQuery> = fc.record(
  {
    dev: fc.oneof(fc.record({ id: fc.nat().map(String) }), fc.record({ name: anyName })),
    blockName: anyFilter,
    blockIndex: fc.nat(3),
    dpName: anyFilter,
    utc: fc.record({ after: anyTime, until: anyTime }),
  },
  { requiredKeys: ['utc'] },
)
const anyDatapoint = fc.record({
  deviceId: fc.nat(),
  device: anyName,
  block: anyName,
  index: fc.nat(3),
  xif: anyName,
  name: fc.option(anyName),
})

/** What the filter means, by protocol §2.1: `bare` flipped its meaning at 3.20.114. */
function meant(filter: NameFilter, bareName: 'xif' | 'instance', shown: { xif: string; name: string | null }): boolean {
  if ('name' in filter) return filter.name === shown.name
  if ('xifName' in filter) return filter.xifName === shown.xif
  return filter.bare === (bareName === 'xif' ? shown.xif : shown.name)
}

describe('a data-log query', () => {
  it.each(Object.values(releases))('in every form is read by a gateway of $name as it was meant', release => {
    fc.assert(
      fc.property(anyQuery, anyDatapoint, fc.infiniteStream(fc.boolean()), (query, other, coins) => {
        const path = logQueryPath(query)
        expect(path).toMatch(/^\/iap\/ws\?([A-Za-z]+=([A-Za-z0-9_.~-]|%[0-9A-F]{2})+&?)+$/)
        const read = parseLogQuery(path.slice('/iap/ws?'.length), release)
        const { dev, blockName, blockIndex, dpName, utc } = query
        if (!release.xifNameKey && [blockName, dpName].some(filter => filter && 'xifName' in filter)) {
          expect(read).toHaveProperty('fault')
          return
        }
        if ('fault' in read) throw new Error(read.fault)
        expect([read.after, read.until]).toEqual([utc.after, utc.until])
        // a datapoint that has some of what is asked for, and all of it often enough
        const coin = () => coins.next().value === true
        const asked = (filter: NameFilter | undefined) => (coin() && filter ? Object.values(filter)[0]! : undefined)
        const block = asked(blockName) ?? other.block
        const index = coin() && blockIndex !== undefined ? blockIndex : other.index
        const [xif, name] = [asked(dpName) ?? other.xif, asked(dpName) ?? other.name]
        const deviceId = coin() && dev && 'id' in dev ? Number(dev.id) : other.deviceId
        const device = coin() && dev && 'name' in dev ? dev.name : other.device
        const place = { ordinal: 0, block, index, xif, name, logInterval: 60 }
        const datapoint = datapointOf({ id: deviceId, name: device, did: '1' }, place)
        const isMeant =
          (dev === undefined || ('id' in dev ? Number(dev.id) === deviceId : dev.name === device)) &&
          (blockName === undefined || Object.values(blockName)[0] === block) &&
          (blockIndex === undefined || blockIndex === index) &&
          (dpName === undefined || meant(dpName, release.bareName, { xif, name }))
        expect(read.matches(datapoint)).toBe(isMeant || !release.pathFilters)
      }),
      { numRuns: runs(500) },
    )
  })

  const utc = { after: 0, until: 1 }

  it.each<[string, Partial<LogQuery>, string]>([
    ['with a condition hidden in a name', { dev: { name: 'a&utc>2000' } }, 'bad-query'],
    ['with a control sign', { blockName: { name: 'a\n' } }, 'bad-query'],
    ['with half a surrogate pair', { dpName: { xifName: '\ud800' } }, 'bad-query'],
    ['with an empty name', { dev: { name: '' } }, 'bad-query'],
    ['with a bare name that begins like a filter', { dpName: { bare: '*+name==a' } }, 'bad-query'],
    ['with an id that begins like a filter', { dev: { id: '*' } }, 'bad-query'],
    ['with a block index that is none', { blockIndex: -1 }, 'bad-query'],
    ['with parts of milliseconds', { utc: { after: 0.5, until: 1 } }, 'bad-range'],
    ['with a year that no calendar has', { utc: { after: 0, until: 9e15 } }, 'bad-range'],
  ])('cannot be built %s', (_, query, code) => {
    let failure: unknown
    try {
      logQueryPath({ utc, ...query })
    } catch (error) {
      failure = error
    }
    expect(failure).toBeInstanceOf(Failure)
    expect(failure).toMatchObject({ code, retry: 'never', reach: 'run' })
  })
})
