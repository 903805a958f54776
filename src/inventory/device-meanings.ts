import { type Selector, selectorLabel } from '../domain/datapoint.ts'
import type { DeviceMeaning } from '../domain/device-meaning.ts'
import type { Device } from '../smartserver/discovery.ts'
import type { DatapointProblem } from './datapoint-problems.ts'

/** What ids of devices meant when they were last confirmed: a proof rests on it. */
export interface DeviceMeanings {
  of(id: string): DeviceMeaning | undefined
  note(id: string, meaning: DeviceMeaning): void
}

/** `kept`: where they outlive the process; each is read from it once. */
export function createDeviceMeanings(kept?: DeviceMeanings | undefined): DeviceMeanings {
  const known = new Map<string, DeviceMeaning | undefined>()
  return {
    of(id) {
      if (!known.has(id)) known.set(id, kept?.of(id))
      return known.get(id)
    },
    note(id, meaning) {
      kept?.note(id, meaning)
      known.set(id, meaning)
    },
  }
}

/**
 * Compares what configured ids mean with what they meant, and notes what they mean now. A device that was renamed, or whose
 * hardware was replaced under its name, is still the same one. An id that was given to another device is not to be asked for.
 */
export function findMovedIds(
  selectors: readonly Selector[],
  devices: readonly Device[],
  meanings: DeviceMeanings,
): DatapointProblem[] {
  return selectors.flatMap(selector => {
    const ref = selector.device
    if (ref === undefined || !('id' in ref)) return []
    const device = devices.find(({ id }) => id === ref.id)
    if (device === undefined) return []
    const before = meanings.of(ref.id)
    const move = before && moveOf(before, device, devices)
    if (before !== undefined && move !== undefined)
      return [
        {
          selector,
          datapoint: selectorLabel(selector),
          code: 'id-moved',
          message: `id ${ref.id} was the device "${before.name}", and is "${device.name}" now`,
          suggestion: move.to && `{ id: ${move.to.id}, as: ${ref.as} }`,
        },
      ]
    const { name, uid } = device
    if (before?.name !== name || before.uid !== uid) meanings.note(ref.id, { name, uid })
    return []
  })
}

interface Move {
  /** Where the device that was meant is now, if it is listed. */
  readonly to: Device | undefined
}

/** Undefined: the id means the same device. The number of the hardware decides, where it is known; else the old name does. */
function moveOf(before: DeviceMeaning, now: Device, devices: readonly Device[]): Move | undefined {
  if (before.name === now.name) return undefined
  const byName = devices.find(({ name }) => name === before.name)
  if (before.uid === undefined || now.uid === undefined) return byName && { to: byName }
  return before.uid === now.uid ? undefined : { to: devices.find(({ uid }) => uid === before.uid) ?? byName }
}
