import type { Frame } from '../../src/domain/entry.ts'

export interface FrameOptions {
  readonly value?: unknown
  readonly device?: string
  readonly block?: string
  readonly index?: number
  readonly xif?: string
}

/** A frame as a gateway of release 4.1 sends it, logged at `ms`. */
export function logFrame(ms: number, options: FrameOptions = {}): Frame {
  const { value = 1, device = 'Sensor 1', block = 'LightSensor', index = 0, xif = 'nvoLux' } = options
  return JSON.stringify({
    id: 48211,
    utc: `${new Date(ms).toISOString()}[UTC]`,
    deviceId: 5,
    deviceName: device,
    blockName: block,
    blockIndex: index,
    datapointName: xif,
    name: null,
    value,
  })
}
