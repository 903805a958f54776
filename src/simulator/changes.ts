import { z } from 'zod'
import { someFaults } from './faults.ts'
import { wholeNumber } from './option-values.ts'

const name = z.string('a text').min(1, 'a text')

/** What can happen to a gateway while it runs; several may happen in one moment. */
export const changeSchema = z.strictObject(
  {
    moveClockMs: wholeNumber(-8.64e15, 8.64e15)
      .optional()
      .describe('its clock is set, by this many ms; negative = back. Entries of time that is lived again are new ones'),
    clock: z
      .union([z.literal('right'), z.iso.datetime({ offset: true })], 'right, or a time as 1970-01-01T00:02:00Z')
      .optional()
      .describe('its clock is set to this time, or right again'),
    dateSkewMs: wholeNumber(-8.64e15, 8.64e15).optional().describe('what the Date header is ahead of its clock, ms'),
    rename: z
      .strictObject({ device: name, xif: name.optional(), to: name }, 'device, to, and xif for a datapoint')
      .optional()
      .describe('a device, or its datapoints with the XIF name `xif`, have another name; entries of before too'),
    renumber: wholeNumber(1, 1_000_000)
      .optional()
      .describe('the ids of all devices grow by this; after 1 each has the former id of the next'),
    hide: z
      .number('a number between 0 and 1')
      .min(0, 'a number between 0 and 1')
      .max(1, 'a number between 0 and 1')
      .optional()
      .describe('share of the devices, the last ones, that REST does not list; 0 = all are listed'),
    logging: z.boolean('true or false').optional().describe('whether it logs, as PUT /iap/log/state'),
    monitoring: z.boolean('true or false').optional().describe('whether it polls; without it nothing is logged'),
    expireSessions: z.literal(true, 'true').optional().describe('every session ends'),
    disconnect: z.literal(true, 'true').optional().describe('every connection is cut'),
    faults: someFaults.optional().describe('faults from now on; those not named stay'),
  },
  'a mapping',
)

const at = z
  .strictObject({
    afterMs: wholeNumber().optional().describe('so long after the start, however its clock was set'),
    request: wholeNumber(1).optional().describe('when this data-log request is opened; the first is 1'),
    entries: wholeNumber(1).optional().describe('with request: when it has sent so many entries'),
    closed: wholeNumber(1).optional().describe('when so many data-log requests have been closed'),
  })
  .refine(
    ({ afterMs, request, entries, closed }) =>
      [afterMs, request, closed].filter(it => it !== undefined).length === 1 &&
      (entries === undefined || request !== undefined),
    'one of afterMs, request with or without entries, and closed',
  )

/** A change and the moment when it happens, once. */
export const stepSchema = z.strictObject({ at, ...changeSchema.shape }, 'a mapping')

export type Changes = Readonly<z.input<typeof changeSchema>>
export type Step = Readonly<z.output<typeof stepSchema>>
