import { expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { createSeries } from '../../../src/domain/point.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { type FormedRule, ruleForm } from '../../../src/domain/rule-form.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import { day, hour, lux, openPipeline, today } from '../../support/pipeline.ts'
import { scriptedGateway } from '../../support/scripted-gateway.ts'

const other: Selector = { ...lux, point: { xif: 'nvoTemp' } }
const settings = { measurement: 'datalog', field: undefined, tags: {} }
const rules = (scale: number): FormedRule[] => [
  { selector: lux, form: ruleForm({ ...settings, scale }) },
  { selector: other, form: ruleForm(settings) },
]

/** A gateway that logs an entry of lux in each range; runs by other rules are other runs of the program. */
function openRuled() {
  const pipeline = openPipeline()
  const { clock, job, go, ledger, sink } = pipeline
  const source = scriptedGateway({ now: clock.now, entryAt: ({ until }) => until })
  return {
    ...pipeline,
    backfill: async (from: number, its: readonly FormedRule[]) =>
      (
        await go([
          job(source, {
            selectors: [lux, other],
            rules: its,
            mapping: compileMapping(source.name, [{ selector: lux, ...settings, scale: its[0]?.form.scale ?? 1 }]),
            demand: { kind: 'once', after: from, until: today },
          }),
        ])
      ).gateways[0]!,
    recorded: () => ledger.rules.of({ sink: sink.id, gateway: source.name }).map(it => it.rules),
    asked: () =>
      pipeline.kinds('requested').flatMap(event => (event.kind === 'requested' ? event.piece.selectors : [])),
  }
}

it('a selector whose rule changed is not asked for, and the others are', async () => {
  const site = openRuled()
  expect((await site.backfill(today - day, rules(1))).ruleChanges).toEqual([])
  site.events.length = 0
  const { ruleChanges, failure } = await site.backfill(today - 2 * day, rules(2))
  expect(failure).toBeUndefined()
  expect(ruleChanges.map(it => it.recorded)).toEqual([lux])
  expect(new Set(site.asked())).toEqual(new Set([other]))
})

it('a ledger that does not know the rules takes those of the first run, and says so once', async () => {
  const site = openRuled()
  const series = createSeries('datalog', { gateway: 'plant-a', device: 'Sensor 1', datapoint: 'nvoLux' })
  site.ledger.complete({
    sink: site.sink.id,
    request: { gateway: 'plant-a', selectors: [lux], range: { after: today - day, until: today - hour } },
    provisional: false,
    receipt: emptyReceipt(),
    points: [1],
    series: [[series]],
  })
  expect(site.recorded()).toEqual([undefined])
  for (let run = 0; run < 2; run++) await site.backfill(today - day, rules(1))
  expect(site.recorded()[0]).toEqual([rules(1)[0]])
  expect(site.kinds('rules-adopted')).toMatchObject([{ selectors: [lux] }])
})
