import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { createSeries } from '../../../src/domain/point.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import { type FormedRule, ruleForm } from '../../../src/domain/rule-form.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const place = { sink: 'sqlite:points', gateway: 'plant-a' }
const lux: Selector = { device: { name: 'Sensor 1' }, block: 'LightSensor', index: 0, point: { name: 'nvoLux' } }
const temperature: Selector = { ...lux, point: { name: 'nvoTemp' } }
const seriesOf = (datapoint: string) =>
  createSeries('datalog', { gateway: 'plant-a', device: 'Sensor 1', block: 'LightSensor', index: '0', datapoint })
const rules = (scale: number): FormedRule[] => [
  { selector: lux, form: ruleForm({ measurement: 'datalog', field: undefined, tags: {}, scale }) },
]

function openFilled() {
  const path = join(temporaryFolder(), 'ledger.db')
  const ledger = openLedger(path, steeredClock())
  const complete = (after: number, until: number, provisional = false) =>
    ledger.complete({
      sink: place.sink,
      request: { gateway: place.gateway, selectors: [lux, temperature], range: { after, until } },
      provisional,
      receipt: emptyReceipt(),
      points: [5, 7],
      remarks: [
        { datapoint: 'Sensor 1/LightSensor/0/nvoLux', kind: 'unmapped', entries: 1, texts: ['OC_NULL'] },
        { datapoint: 'Sensor 1/LightSensor/0/nvoTemp', kind: 'rounded', entries: 1, texts: ['9007199254740993'] },
      ],
      series: [[seriesOf('nvoLux')], [seriesOf('nvoTemp')]],
      rulesFor: () => rules(1),
    })
  complete(0, 1000)
  complete(1000, 2000, true)
  const of = (selector: Selector) => ledger.coverage.of(place, [selector]).get(selector)!
  return { ledger, path, complete, of }
}

it('what points were made by is recorded with their first proof, and stays', () => {
  const { ledger } = openFilled()
  expect(ledger.rules.of(place)).toEqual([
    { selector: lux, rules: rules(1), series: [seriesOf('nvoLux')] },
    { selector: temperature, rules: rules(1), series: [seriesOf('nvoTemp')] },
  ])
  ledger.close()
})

it('other rules take the place of earlier ones: what is later is taken back, what is before is set apart, and others stay', () => {
  const { ledger, path, complete, of } = openFilled()
  ledger.rules.renew(place, [{ selector: lux, rules: rules(2), since: 600 }])
  expect(of(lux)).toMatchObject({ final: { ranges: [] }, provisional: { ranges: [] }, since: 600 })
  expect(of(temperature)).toMatchObject({ final: { ranges: [{ after: 0, until: 1000 }] }, since: undefined })
  const [retired] = ledger.rules.retired(place)
  expect(retired).toMatchObject({ selector: lux, rules: rules(1), series: [seriesOf('nvoLux')] })
  expect(retired!.proven.ranges).toEqual([{ after: 0, until: 600 }])
  expect(ledger.rules.of(place).find(it => it.rules?.[0]?.form.scale === 2)?.series).toEqual([])
  expect(ledger.proofs.claims(place, [lux]).flatMap(it => it.proofs)).toEqual([])
  // what was remarked about points that are made anew is gone with their proof
  expect(ledger.memory.remarks('plant-a').map(it => it.kind)).toEqual(['rounded'])
  complete(600, 1000)
  ledger.close()
  // and the file is not taken for a damaged one
  const again = openLedger(path, steeredClock())
  expect(again.coverage.of(place, [lux]).get(lux)!.final.ranges).toEqual([{ after: 600, until: 1000 }])
  again.close()
})

it('before points are removed, the proof that rests on them is taken back for every selector that holds them', () => {
  const { ledger, of } = openFilled()
  expect(ledger.rules.takeBack(place.sink, [seriesOf('nvoLux')])).toEqual([lux])
  expect(of(lux).final.isEmpty && of(lux).provisional.isEmpty).toBe(true)
  expect(of(temperature).final.isEmpty).toBe(false)
  ledger.rules.forget(place.sink, [seriesOf('nvoLux')])
  expect(ledger.rules.of(place)[0]!.series).toEqual([])
  ledger.close()
})

it('time that the clock of the gateway goes through again is fetched by the rules of today', () => {
  const { ledger, of } = openFilled()
  ledger.rules.renew(place, [{ selector: lux, rules: rules(2), since: 1000 }])
  const { final } = of(temperature)
  ledger.coverage.heedClock('plant-a', { host: 1, gateway: 1 }, final.intersect({ after: 800, until: 1000 }))
  expect(of(lux).since).toBe(800)
  expect(ledger.rules.retired(place)[0]!.proven.ranges).toEqual([{ after: 0, until: 800 }])
  ledger.close()
})
