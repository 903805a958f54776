import type { Rejection } from '../domain/entry.ts'
import { idOf, memberOf, textOf } from './rest-json.ts'

export interface DatapointUpdate {
  /** `segment/protocol/DID/block/index/xif` */
  readonly qualifier: string
  readonly value: unknown
  readonly localized: unknown
  /** UTC, from release 4.1 on. */
  readonly timestamp: string | undefined
}

/** Every action of protocol §6, by what this program makes of it; `raw` is the action as received. */
export type Update = { readonly raw: string } & (
  | { readonly kind: 'cpu'; readonly percents: Readonly<Record<string, number>> }
  | { readonly kind: 'events-per-second'; readonly rates: Readonly<Record<string, number>> }
  | { readonly kind: 'memory'; readonly payload: unknown }
  | { readonly kind: 'monitoring'; readonly isActive: boolean }
  | { readonly kind: 'datapoints'; readonly updates: readonly DatapointUpdate[] }
  | {
      readonly kind: 'device'
      readonly id: string
      readonly name: string | undefined
      readonly state: string | undefined
      readonly health: string | undefined
    }
  | { readonly kind: 'device-deleted'; readonly id: string | undefined }
  | { readonly kind: 'device-test'; readonly id: string; readonly results: unknown }
  | { readonly kind: 'alarm'; readonly isNew: boolean; readonly payload: unknown }
  | {
      readonly kind: 'notification'
      readonly message: string
      readonly targetType: string | undefined
      readonly targetName: string | undefined
    }
  | {
      readonly kind: 'service-pin'
      readonly uid: string
      readonly type: string | undefined
      readonly protocol: string | undefined
    }
  | { readonly kind: 'time'; readonly shown: string }
  | { readonly kind: 'licence'; readonly payload: unknown }
  /** Of a later release, or not documented. */
  | { readonly kind: 'unknown'; readonly payload: unknown }
)

type Reading<Kind extends Update['kind']> = Omit<Extract<Update, { kind: Kind }>, 'raw'>
type AnyReading = { [Kind in Update['kind']]: Reading<Kind> }[Update['kind']]

/** One reader an action; undefined where the payload is not what the action promises. */
const readers: Readonly<Record<string, (payload: unknown) => AnyReading | undefined>> = {
  'UPD:CPU': payload => (isNumber(payload) ? { kind: 'cpu', percents: { '': payload } } : undefined),
  'UPD:SC:CPU': payload => withNumbers(payload, percents => ({ kind: 'cpu', percents })),
  'UPD:EPS': payload => (isNumber(payload) ? { kind: 'events-per-second', rates: { '': payload } } : undefined),
  'UPD:TOTAL_EPS': payload => (isNumber(payload) ? { kind: 'events-per-second', rates: { '': payload } } : undefined),
  'UPD:SC:EPS': payload => withNumbers(payload, rates => ({ kind: 'events-per-second', rates })),
  'UPD:SC:MEMORY': payload => ({ kind: 'memory', payload }),
  'UPD:MONITORINGSTATE': payload => {
    const isActive = memberOf(payload, 'active')
    return typeof isActive === 'boolean' ? { kind: 'monitoring', isActive } : undefined
  },
  'UPD:DATAPOINT': readDatapoints,
  'UPD:DEVICE': payload => {
    const id = idOf(memberOf(payload, 'id'))
    const status = memberOf(payload, 'status')
    return id === undefined
      ? undefined
      : {
          kind: 'device',
          id,
          name: textOf(memberOf(payload, 'name')),
          state: textOf(memberOf(status, 'state')),
          health: textOf(memberOf(status, 'health')),
        }
  },
  // documented without a payload (protocol §10.11): a device object or its bare id are what may be expected
  'DEL:DEVICE': payload => ({ kind: 'device-deleted', id: idOf(memberOf(payload, 'id')) ?? idOf(payload) }),
  'UPD:DEVICE_TEST_RESULT': payload => {
    const id = idOf(memberOf(payload, 'deviceId'))
    return id === undefined ? undefined : { kind: 'device-test', id, results: memberOf(payload, 'results') }
  },
  'CRT:ALARM': payload => ({ kind: 'alarm', isNew: true, payload }),
  'DEL:ALARM': payload => ({ kind: 'alarm', isNew: false, payload }),
  'CRT:NOTIFICATION': payload => {
    const message = textOf(memberOf(payload, 'message'))
    const targetType = textOf(memberOf(payload, 'targetType'))
    const targetName = textOf(memberOf(payload, 'targetName'))
    return message === undefined ? undefined : { kind: 'notification', message, targetType, targetName }
  },
  'NTF:JOIN': payload => {
    const uid = idOf(memberOf(payload, 'uid'))
    const type = textOf(memberOf(payload, 'type'))
    return uid === undefined
      ? undefined
      : { kind: 'service-pin', uid, type, protocol: textOf(memberOf(payload, 'protocol')) }
  },
  'NTF:TIME': payload => {
    const shown = textOf(memberOf(payload, 'value'))
    return shown === undefined ? undefined : { kind: 'time', shown }
  },
  'UPD:LIC:CLOUD': payload => ({ kind: 'licence', payload }),
  'DEL:LIC': payload => ({ kind: 'licence', payload }),
  'NTF:LIC:ACTION': payload => ({ kind: 'licence', payload }),
  'UPD:LIC:TOTAL': payload => ({ kind: 'licence', payload }),
}

/**
 * Reads one frame of the general-purpose socket: `{"action":…,"payload":…}` (protocol §6). An action that is not known
 * is an update of kind `unknown`; what makes no sense is a rejection (law 13). Never throws.
 */
export function decodeUpdate(frame: string): Update | Rejection {
  let json: unknown
  try {
    json = JSON.parse(frame)
  } catch {
    return { reason: 'not-json', detail: 'the frame is not JSON' }
  }
  const raw = textOf(memberOf(json, 'action'))
  if (raw === undefined) return { reason: 'no-action', detail: 'the frame names no action' }
  const payload = memberOf(json, 'payload')
  if (!Object.hasOwn(readers, raw)) return { raw, kind: 'unknown', payload }
  const read = readers[raw]!(payload)
  return read === undefined
    ? { reason: 'bad-payload', detail: `the payload of ${raw} has another shape` }
    : { raw, ...read }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function withNumbers(payload: unknown, read: (numbers: Record<string, number>) => AnyReading): AnyReading | undefined {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return undefined
  const numbers = Object.entries(payload).filter((pair): pair is [string, number] => isNumber(pair[1]))
  return numbers.length === 0 ? undefined : read(Object.fromEntries(numbers))
}

function readDatapoints(payload: unknown): Reading<'datapoints'> | undefined {
  if (!Array.isArray(payload)) return undefined
  const updates = payload.flatMap((item): DatapointUpdate[] => {
    const qualifier = textOf(memberOf(item, 'datapointQualifier'))
    if (qualifier === undefined) return []
    const timestamp = textOf(memberOf(item, 'timestamp'))
    return [{ qualifier, value: memberOf(item, 'value'), localized: memberOf(item, 'locValue'), timestamp }]
  })
  return { kind: 'datapoints', updates }
}
