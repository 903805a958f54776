import { z } from 'zod'
import type { Selector } from '../domain/datapoint.ts'
import { anyNumber, line, numberOfText, oneOf, section, tagText, yesOrNo } from './values.ts'

/** The tags that every point has, and the name of its time: no configured tag or field may take one of these. */
const ownNames = ['gateway', 'device', 'block', 'index', 'datapoint', 'time']

const standardMeasurement = 'datalog'

const deviceById = section({
  id: oneOf('text or a whole number', [line(), z.int().min(0)])
    .transform(String)
    .describe("The gateway's own id of the device: stable where a name is not"),
  as: tagText().describe('Its name in the database'),
})

const hasOwnStart = (name: string) => !name.startsWith('_')

const ownName = () =>
  tagText()
    .refine(hasOwnStart, { error: 'must not begin with an underscore: InfluxDB keeps such names for itself' })
    .refine(name => !ownNames.includes(name), { error: `must be none of ${ownNames.join(', ')}` })

/** YAML has `.nan` and `.inf`; NaN and Infinity are texts in it, and mean the same here. */
const noValue = z.preprocess(
  value => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value),
  oneOf('a number or a text', [anyNumber(), z.string()]),
)

const spelledOut = section({
  device: oneOf('text or { id: …, as: … }', [line(), deviceById])
    .optional()
    .describe('Device name, or its id with a name'),
  block: line().optional().describe('Function block name'),
  index: z
    .preprocess(numberOfText, oneOf('a whole number or *', [z.int().min(0), z.literal('*')]))
    .optional()
    .describe('Function block index'),
  datapoint: oneOf('text or { xif: … }', [line(), section({ xif: line().describe('XIF (programmatic) name') })])
    .optional()
    .describe('Datapoint name as people see it, or { xif: … } for the name fixed by the device type'),
  measurement: tagText()
    .refine(hasOwnStart, { error: 'must not begin with an underscore: InfluxDB keeps such names for itself' })
    .prefault(standardMeasurement)
    .describe('Measurement (the table) of its points'),
  field: ownName().optional().describe('Field that holds its numbers; default: value'),
  tags: z
    .record(ownName(), oneOf('text', [tagText(), z.int()]).transform(String))
    .prefault({})
    .describe('Tags added to its points, e.g. { building: North }'),
  scale: anyNumber()
    .refine(scale => scale !== 0, { error: 'must not be 0: every value would be the same' })
    .optional()
    .describe('Numbers are multiplied by this, before offset; members of structures are not. Default: 1'),
  offset: anyNumber().optional().describe('Added to numbers, after scale. Default: 0'),
  invalid: z
    .preprocess(value => (Array.isArray(value) || value === undefined ? value : [value]), z.array(noValue).min(1))
    .optional()
    .describe(
      'Numbers and texts that mean "no value", before scale and offset, e.g. 327.67, NaN or [-1, unavailable]: such entries are empty',
    ),
  enumeration: z
    .record(z.string(), anyNumber())
    .optional()
    .describe(
      'Numbers for texts, e.g. { OFF: 0, ON: 1 }: written to the field for numbers, beside the text. Texts that it does not have are counted',
    ),
  text: z
    .preprocess(value => (value === false ? 'off' : value), z.literal('off'))
    .optional()
    .describe(
      'off: texts are not written. Of an enumeration its number alone is; an entry that is nothing but a text is empty',
    ),
  localized: yesOrNo()
    .optional()
    .describe("true: the value in the gateway's display units and language in place of the raw one"),
  health: yesOrNo()
    .optional()
    .describe('true: also the health of the device, in the text field "health", wherever it is not normal'),
  type: z
    .enum(['number', 'text', 'structure', 'any'])
    .optional()
    .describe(
      'What it logs; entries of another kind become dead letters. any: all kinds are taken. text: numbers are written as texts with all their digits. Default: what the first entry holds, kept in the ledger',
    ),
})
  .superRefine(({ field, tags }, context) => {
    if (field !== undefined && Object.hasOwn(tags, field))
      context.addIssue({ code: 'custom', path: ['field'], message: 'a tag has this name already' })
    const others = field === undefined ? ['value', 'text', 'health'] : [`${field}_text`, `${field}_health`]
    for (const name of others.filter(it => Object.hasOwn(tags, it)))
      context.addIssue({ code: 'custom', path: ['tags', name], message: 'a field of its points has this name' })
  })
  .transform(({ device, block, index, datapoint, ...destination }) => {
    const selector: Selector = {
      ...(device === undefined || device === '*'
        ? {}
        : { device: typeof device === 'string' ? { name: device } : device }),
      ...(block === undefined || block === '*' ? {} : { block }),
      ...(index === undefined || index === '*' ? {} : { index }),
      ...(datapoint === undefined || datapoint === '*'
        ? {}
        : { point: typeof datapoint === 'string' ? { name: datapoint } : datapoint }),
    }
    return { ...destination, selector, field: destination.field }
  })

/** What the entries of some datapoints are called in the database, and what becomes of their values. */
export type DatapointConfig = Readonly<z.output<typeof spelledOut>>

const written = z
  .string()
  .transform((text, context): DatapointConfig => {
    const selector = parseSelector(text)
    if (typeof selector !== 'string') return { selector, measurement: standardMeasurement, field: undefined, tags: {} }
    context.addIssue({ code: 'custom', message: selector })
    return z.NEVER
  })
  .describe('device/block/index/datapoint, * for any: "Sensor 1/LightSensor/0/nvoLuxLevel", "Pump 7/*/*/*"')

export const datapointSchema = oneOf('device/block/index/datapoint or a map with these keys', [written, spelledOut])

/** The selector, or what is wrong with the text. Names are kept exactly. */
function parseSelector(text: string): Selector | string {
  const parts = text.split('/')
  const [device = '', block = '', index = '', name = ''] = parts
  if (parts.length !== 4)
    return (
      `expected device/block/index/datapoint, four parts with * for any, got ${parts.length}; ` +
      'a name that holds a slash needs the form { device: …, block: …, index: …, datapoint: … }'
    )
  const empty = ['device', 'block', 'index', 'datapoint'].find((_, i) => parts[i] === '')
  if (empty !== undefined) return `the ${empty} is empty: write * for any`
  if (!/^(\*|\d{1,15})$/.test(index)) return 'the third part, the block index, must be a whole number or *'
  return {
    ...(device === '*' ? {} : { device: { name: device } }),
    ...(block === '*' ? {} : { block }),
    ...(index === '*' ? {} : { index: Number(index) }),
    ...(name === '*' ? {} : { point: { name } }),
  }
}
