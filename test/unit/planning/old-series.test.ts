import { expect, it } from 'vitest'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { createSeries } from '../../../src/domain/point.ts'
import { type FormedRule, ruleForm } from '../../../src/domain/rule-form.ts'
import { oldSeries } from '../../../src/planning/old-series.ts'

const meter: Selector = { device: { name: 'Meter 3' } }
const power: Selector = { ...meter, block: 'EnergyMeter', index: 0, point: { name: 'nvoPower' } }
const byId: Selector = { ...power, device: { id: '5', as: 'Main meter' } }

const rule = (selector: Selector, settings: object = {}): FormedRule => ({
  selector,
  form: ruleForm({ measurement: 'datalog', field: undefined, tags: {}, ...settings }),
})
const seriesOf = (tags: Record<string, string> = {}, measurement = 'datalog') =>
  createSeries(measurement, {
    ...{ gateway: 'g', device: 'Meter 3', block: 'EnergyMeter', index: '0', datapoint: 'nvoPower' },
    ...tags,
  })
const plain = seriesOf()

it.each<[string, FormedRule[], Selector, ReturnType<typeof seriesOf>[], ReturnType<typeof seriesOf>[]]>([
  ['the one in use is not old', [rule(power)], power, [plain], []],
  ['another scale writes to the same', [rule(power, { scale: 2 })], power, [plain], []],
  ['a tag that was added', [rule(power, { tags: { a: 'b' } })], power, [plain, seriesOf({ a: 'b' })], [plain]],
  ['a tag that was removed', [rule(power)], power, [plain, seriesOf({ a: 'b' })], [seriesOf({ a: 'b' })]],
  ['another measurement', [rule(meter, { measurement: 'm' })], meter, [plain, seriesOf({}, 'm')], [plain]],
  ['the closest rule decides', [rule(meter, { measurement: 'm' }), rule(power)], meter, [plain], []],
  ['another name of a device by id', [rule(byId)], { ...byId, device: { id: '5', as: 'Meter 3' } }, [plain], [plain]],
  ['what is not configured any more is left as it is', [], power, [plain, seriesOf({ a: 'b' })], []],
])('series of earlier rules: %s', (_, rules, selector, series, old) => {
  expect(oldSeries('g', rules, [{ selector, series }])).toEqual(old)
})
