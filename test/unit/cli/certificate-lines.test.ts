import { expect, test } from 'vitest'
import { certificateLines } from '../../../src/cli/certificate-lines.ts'
import type { Finding } from '../../../src/verification/finding.ts'
import { emptyCompared } from '../../../src/verification/tallies.ts'

const deadLetters = { open: 0, discarded: [] }
const scope = { period: undefined, gateways: [], proven: { datapoints: 504, days: 45_360 }, claims: 'final' } as const
const plain = { kind: 'influxdb 1.x', version: '1.6.7', retentionMs: undefined, warnings: [] }
const examples = Array.from({ length: 5 }, (_, i) => ({ of: 'missing', text: `missing: ${i}` }) as const)

function finding(verdict: Finding['verdict'], counts: Partial<Finding>): Finding {
  const known = { gateway: 'g', selector: {}, range: { after: 0, until: 1 }, proof: 400, found: 400 }
  return { ...emptyCompared(), ...known, unconfirmed: 0, lost: 0, verdict, ...counts }
}

function lines(
  before: Finding | undefined,
  after: Finding,
  report: object = {},
  compare: 'full' | { days: number; seed: number } = 'full',
): string {
  const healing = before && { before: [before], written: 330, accepted: { ranges: 0, lost: 0 } }
  const about = {
    at: 0,
    program: '1',
    sink: 'db',
    compare,
    scope,
    releases: {},
    findings: [after],
    deadLetters,
  } as const
  return certificateLines({ ...about, report: { ...plain, ...report }, healing }).join('\n')
}

test('a heal shows of each range what was healed and what was not, each difference or their number', () => {
  const before = finding('differs', { missing: 332, examples })
  const text = lines(before, finding('differs', { missing: 2, equal: 398, examples: examples.slice(0, 2) }))
  expect(text).toMatch(/332 missing.*330 healed, 2 not healed/)
  expect(text).toContain('… 327 more')
  expect(text.match(/… [\d,]+ more/g)).toHaveLength(1)
})

test('a heal of everything leaves nothing that is not healed', () => {
  const text = lines(finding('differs', { missing: 330, examples }), finding('equal', { equal: 400 }))
  expect(text).toContain('330 healed')
  expect(text).not.toContain('not healed')
  expect(text).toContain('EQUAL, entry by entry.')
})

test('what is different on a database that cannot replace a value is said to be so, with advice', () => {
  const different = finding('differs', { different: 3, equal: 397 })
  for (const before of [undefined, different])
    expect(lines(before, different, { kind: 'influxdb 3.x', overwrites: false })).toMatch(
      /NOT EQUAL\..*cannot be corrected on influxdb 3\.x/,
    )
  expect(lines(different, different)).not.toContain('cannot be corrected')
})

test('of a sample every figure and the conclusion say that they are of the sample', () => {
  const sample = { days: 1, seed: 3 }
  const day = { after: 0, until: 86_400_000 }
  const equal = lines(undefined, finding('equal', { equal: 87, range: day }), {}, sample)
  expect(equal).toMatch(/87 {2}equal, of the sample\n +1 {2}range, 1 of them equal, of the sample\n/)
  expect(equal).toMatch(/EQUAL, entry by entry, of the sample\..*1 of 504 datapoints, 1 of 45,360 of their days\.$/)
  const different = lines(undefined, finding('differs', { missing: 2, equal: 85, range: day }), {}, sample)
  expect(different).toMatch(/2 {2}missing in the database, of the sample\n/)
  expect(different).toMatch(/NOT EQUAL, of the sample\./)
  expect(lines(undefined, finding('equal', { equal: 87 }))).not.toContain('sample')
})
