import { expect, test } from 'vitest'
import { Failure } from '../../../src/domain/failure.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import type { GatewayOutcome } from '../../../src/pipeline/job.ts'
import { Metrics } from '../../../src/service/metrics.ts'

const away = new Failure('away', { code: 'gateway-unreachable', retry: 'soon', reach: 'gateway' })
const passed: GatewayOutcome = {
  gateway: 'plant-a',
  requests: 1,
  receipt: emptyReceipt(),
  clockDifferenceMs: -90_500,
  settled: { after: 0, until: 1_700_000_000_500 },
  provisionalAfter: undefined,
  parked: 0,
  leftMs: 0,
  isShort: false,
  problems: [],
  ruleChanges: [],
  remarks: [],
  failure: undefined,
}

/** The samples of the program itself, `name{labels}` → value. */
async function samplesOf(metrics: Metrics): Promise<Record<string, number>> {
  const lines = (await metrics.text()).split('\n').filter(line => line.startsWith('smartserver_etl_'))
  return Object.fromEntries(
    lines.map(line => {
      const [, name, value] = /^smartserver_etl_(.+) (\S+)$/.exec(line)!
      return [name!, Number(value)]
    }),
  )
}

test('what has not happened yet is nought, and what is not known is absent', async () => {
  const samples = await samplesOf(new Metrics(['plant-a']))
  expect(samples).toMatchObject({
    'entries_total{gateway="plant-a",fate="written"}': 0,
    'requests_total{gateway="plant-a"}': 0,
    'passes_total{gateway="plant-a",ended="failed"}': 0,
  })
  expect(Object.keys(samples).some(name => /clock|complete_until|parked/.test(name))).toBe(false)
})

test('every entry of every transfer is counted by what became of it, and every failure by its code', async () => {
  const metrics = new Metrics(['plant-a'])
  const receipt = { ...emptyReceipt(), received: 15, outside: 1, duplicate: 2, empty: 3, written: 4, rejected: 5 }
  const piece = { group: '', selectors: [{}], range: { after: 0, until: 1 }, provisional: false, tries: 0 } as never
  for (let i = 0; i < 2; i++) metrics.observe({ gateway: 'plant-a', kind: 'done', piece, receipt, lengthLeft: 0 })
  metrics.observe({ gateway: 'plant-a', kind: 'failed', failure: away, waitMs: 0 })
  expect(await samplesOf(metrics)).toMatchObject({
    'requests_total{gateway="plant-a"}': 2,
    'entries_total{gateway="plant-a",fate="outside"}': 2,
    'entries_total{gateway="plant-a",fate="duplicate"}': 4,
    'entries_total{gateway="plant-a",fate="empty"}': 6,
    'entries_total{gateway="plant-a",fate="written"}': 8,
    'entries_total{gateway="plant-a",fate="rejected"}': 10,
    'failures_total{gateway="plant-a",code="gateway-unreachable"}': 1,
  })
})

test('a pass tells the clock of the gateway, what is missing, and up to when nothing is', async () => {
  const metrics = new Metrics(['plant-a'])
  metrics.passed(passed, 0)
  expect(await samplesOf(metrics)).toMatchObject({
    'clock_difference_seconds{gateway="plant-a"}': -90.5,
    'complete_until_timestamp_seconds{gateway="plant-a"}': 1_700_000_000.5,
    'parked_ranges{gateway="plant-a"}': 0,
    'passes_total{gateway="plant-a",ended="complete"}': 1,
  })
})

test('a failure that holds the gateway for several passes is counted once', async () => {
  const metrics = new Metrics(['plant-a'])
  metrics.observe({ gateway: 'plant-a', kind: 'failed', failure: away, waitMs: 0 })
  for (let i = 0; i < 3; i++) metrics.passed({ ...passed, failure: away }, 0)
  expect(await samplesOf(metrics)).toMatchObject({
    'failures_total{gateway="plant-a",code="gateway-unreachable"}': 1,
    'passes_total{gateway="plant-a",ended="failed"}': 3,
  })
})

const typo = { datapoint: 'a/b/0/c', code: 'unknown-device', message: 'no such device', suggestion: undefined }

test.each<[string, Partial<GatewayOutcome>, string, number?]>([
  ['with parked ranges', { parked: 2 }, 'incomplete'],
  ['with a backlog', { leftMs: 60_000 }, 'incomplete'],
  ['without a configured datapoint', { problems: [typo as never] }, 'incomplete'],
  ['with dead letters', {}, 'incomplete', 2],
  ['that was given up', { failure: away }, 'failed'],
])('a pass %s moves no border', async (_, change, ended, letters = 0) => {
  const metrics = new Metrics(['plant-a'])
  metrics.passed(passed, 0)
  metrics.passed({ ...passed, ...change, settled: { after: 0, until: 1_800_000_000_000 } }, letters)
  const samples = await samplesOf(metrics)
  expect(samples).toMatchObject({
    'complete_until_timestamp_seconds{gateway="plant-a"}': 1_700_000_000.5,
    [`passes_total{gateway="plant-a",ended="${ended}"}`]: 1,
    'passes_total{gateway="plant-a",ended="complete"}': 1,
  })
})
