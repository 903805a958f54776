import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { openSite, runProgram, type Site } from '../support/program.ts'
import { gatewaySettings } from '../support/truth.ts'

const dayMs = 86_400_000
const until = Math.floor(Date.now() / dayMs) * dayMs
const iso = (ms: number) => new Date(ms).toISOString()
const light = 'Sensor 1/LightSensor/0/nvoLuxLevel'
const meter = 'Meter 3/*/*/*'
const perDay = 288

let gateway: Simulator
let site: Site

/** The rule of the light sensor; the meter is always as it was. */
async function configure(rule: object = {}, others: readonly unknown[] = [meter]) {
  const [device, block, index, datapoint] = light.split('/')
  await site.configure({
    gateways: { g: gatewaySettings(gateway, [{ device, block, index: Number(index), datapoint, ...rule }, ...others]) },
    sink: { sqlite: { path: 'points.db' } },
  })
}

beforeEach(async () => {
  site = await openSite()
  gateway = await startSimulator({ devices: 3, interval: 300, historyStart: until - 5 * dayMs })
  await configure()
})
afterEach(async () => {
  await gateway.close()
  await site.remove()
})

async function json(...args: string[]) {
  const { code, stdout, stderr } = await runProgram([...args, '--config', site.file, '--json'])
  if (stdout === '') throw new Error(`${code} ${stderr}`)
  return { code, ...JSON.parse(stdout) }
}

const backfill = (from: number, to: number) => json('backfill', '--from', iso(from), '--to', iso(to))
const first = [until - 3 * dayMs, until - 2 * dayMs] as const
const whole = [until - 3 * dayMs, until - dayMs] as const

/** Of the light sensor: how many values there are by measurement, field and tags, and their sum. */
function stored() {
  const database = new DatabaseSync(join(site.folder, 'points.db'), { readOnly: true })
  const rows = database
    .prepare(
      `SELECT measurement, field, tags ->> '$.building' AS building, count(*) AS n, sum(number) AS total
       FROM series JOIN value ON value.series = series.id WHERE device = 'Sensor 1' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    )
    .all()
  database.close()
  return rows.map(row => ({ ...row, total: Math.round(Number(row['total']) * 1000) / 1000 }))
}

/** The sum of the sensor's values as the gateway has them. */
function logged(from: number, to: number): number {
  let sum = 0
  for (const { datapoint, value } of gateway.history.merged(() => true, from, to))
    if (datapoint.device === 'Sensor 1' && (datapoint.name ?? datapoint.xif) === 'nvoLuxLevel') sum += Number(value)
  return Math.round(sum * 1000) / 1000
}

test.each([
  ['scale', { scale: 0.5 }],
  ['a tag', { tags: { building: 'North' } }],
  ['the field', { field: 'lux' }],
])('a datapoint whose rule was changed (%s) is not fetched on before a person has chosen; the others are', async (_, rule) => {
  expect(await backfill(...first)).toMatchObject({ code: 0, complete: true })
  const before = stored()
  await configure(rule)
  const run = await backfill(...whole)
  expect(run).toMatchObject({ code: 3, complete: false, ruleChanges: [{ code: 'rule-changed', datapoints: [light] }] })
  expect(stored()).toEqual(before)
  const { gateways } = await json('status')
  expect(gateways.g.datapoints.map((it: { final: unknown }) => it.final)).toEqual([
    [{ after: iso(first[0]), until: iso(first[1]) }],
    [{ after: iso(whole[0]), until: iso(whole[1]) }],
  ])
  expect(gateways.g.ruleChanges).toMatchObject([{ datapoints: [light] }])
  expect(await json('plan', '--from', iso(whole[0]))).toMatchObject({
    gateways: { g: { ruleChanges: [{ datapoints: [light] }] } },
  })
  expect(await json('rule')).toMatchObject({ code: 3, changes: [{ datapoints: [light] }] })
  expect(await json('check')).toMatchObject({ code: 3, gateways: { g: { ruleChanges: [{ datapoints: [light] }] } } })
  // and as soon as the rule is as it was, nothing is to be chosen
  await configure()
  expect(await json('rule')).toMatchObject({ code: 0, changes: [] })
  expect(await backfill(...whole)).toMatchObject({ code: 0, complete: true })
})

test('remap fetches the past again, by the rule of today alone', async () => {
  await backfill(...first)
  await configure({ scale: 0.5 })
  expect(await json('rule', 'remap')).toMatchObject({ code: 0, renewed: [{ datapoint: light }] })
  expect(await backfill(...whole)).toMatchObject({ code: 0, complete: true, written: expect.any(Number) })
  expect(stored()).toMatchObject([{ n: 2 * perDay, total: Math.round(logged(...whole) * 500) / 1000 }])
  expect(await json('verify', '--full')).toMatchObject({ code: 0, conclusion: 'equal' })
})

test('from-now leaves the past as it is, outside of verification', async () => {
  await backfill(...first)
  await configure({ scale: 0.5 })
  const since = iso(first[1])
  expect(await json('rule', 'from-now')).toMatchObject({ code: 0, renewed: [{ datapoint: light, since }] })
  // nothing before is asked for by the new rule, not even what was missing
  expect(await backfill(until - 4 * dayMs, whole[1])).toMatchObject({ code: 0, complete: true })
  const total = logged(...first) + logged(first[1], whole[1]) / 2
  expect(stored()).toMatchObject([{ n: 2 * perDay, total: Math.round(total * 1000) / 1000 }])
  const verified = await json('verify', '--full', '--heal')
  expect(verified).toMatchObject({ code: 0, conclusion: 'equal', healed: 0 })
  expect(verified.gateways[0].earlierRules).toEqual([
    { datapoint: light, ranges: [{ after: iso(first[0]), until: since }] },
  ])
})

test('same changes nothing but what is taken for the rule', async () => {
  await backfill(...first)
  await configure({ scale: 0.5 })
  expect(await json('rule', 'same', '--datapoint', light)).toMatchObject({ code: 0, renewed: [] })
  expect(await json('rule')).toMatchObject({ code: 0 })
  expect(await backfill(...first)).toMatchObject({ code: 0, complete: true, requests: 0 })
})

test.each([
  ['--full', '--heal'],
  ['--heal'],
  ['--sample', '1'],
])('verify %s refuses where a rule was changed', async (...flags) => {
  await backfill(...first)
  await configure({ tags: { building: 'North' } })
  const before = stored()
  const { code, stderr } = await runProgram(['verify', ...flags, '--config', site.file])
  expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('rule remap') })
  expect(stored()).toEqual(before)
})

test('a datapoint that is added beside or removed is no change', async () => {
  await backfill(...first)
  await configure({}, [])
  expect(await backfill(...first)).toMatchObject({ code: 0, requests: 0 })
  await configure({}, [meter, { device: 'Thermostat 2', scale: 2 }])
  expect(await backfill(...first)).toMatchObject({ code: 0, complete: true })
})

test('forget removes the series that an earlier rule has left, with a confirmation, and nothing else', async () => {
  await backfill(...first)
  await configure({ tags: { building: 'North' } })
  await json('rule', 'remap')
  await backfill(...whole)
  expect(stored()).toMatchObject([
    { building: null, n: perDay },
    { building: 'North', n: 2 * perDay },
  ])
  const shown = await json('forget')
  expect(shown).toMatchObject({ code: 3, forgotten: 0, chosen: perDay, series: [{ points: perDay }] })
  expect(stored()).toHaveLength(2)
  expect(await json('forget', '--yes')).toMatchObject({ code: 0, forgotten: perDay, takenBack: [] })
  expect(stored()).toMatchObject([{ building: 'North', n: 2 * perDay }])
  expect(await json('forget')).toMatchObject({ code: 0, chosen: 0 })
  expect(await json('verify', '--full')).toMatchObject({ code: 0, conclusion: 'equal' })
})

test('forget --all takes the proof of the series back, so that it is fetched again', async () => {
  await backfill(...first)
  const chosen = await json('forget', '--all', '--datapoint', light, '--yes')
  expect(chosen).toMatchObject({ code: 0, forgotten: perDay, takenBack: [light] })
  expect(stored()).toEqual([])
  expect(await backfill(...first)).toMatchObject({ code: 0, complete: true, written: perDay })
  expect(stored()).toMatchObject([{ n: perDay }])
})
