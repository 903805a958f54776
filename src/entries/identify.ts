import { type Selector, selectorMatches } from '../domain/datapoint.ts'
import type { LogEntry, Rejection } from '../domain/entry.ts'

/** An entry with the id of its device as the configuration knows it. */
export type Identify = (entry: LogEntry) => LogEntry | Rejection

/** The reason of entries that a device list might explain. */
export const unknownDeviceId = 'unknown-device-id'

/**
 * Where devices are configured by id, entries may name them in another way (protocol §3.1): what the gateway's device list
 * does not explain is a rejection, because to call it "not asked for" could lose all that was asked for without a word.
 */
export function createIdentify(
  { selectors }: { readonly selectors: readonly Selector[] },
  deviceIdOf: ((shown: string) => string | undefined) | undefined,
): Identify {
  const wanted = new Set(selectors.flatMap(({ device }) => (device !== undefined && 'id' in device ? [device.id] : [])))
  if (wanted.size === 0) return entry => entry
  const isPlain = [...wanted].every(id => /^\d+$/.test(id))
  return entry => {
    const { deviceId: shown } = entry.datapoint
    if (wanted.has(shown)) return entry
    const known = deviceIdOf?.(shown)
    if (known !== undefined) return { ...entry, datapoint: { ...entry.datapoint, deviceId: known } }
    if (isPlain && /^\d+$/.test(shown)) return entry
    // asked for by other marks than an id
    if (selectors.some(selector => selectorMatches(selector, entry.datapoint))) return entry
    return {
      reason: unknownDeviceId,
      detail:
        'The configuration names the device by id; the entry names it in another way that the device list does not explain.',
    }
  }
}
