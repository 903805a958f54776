import type { Entry } from './history.ts'
import type { Release } from './releases.ts'
import type { Datapoint } from './site.ts'
import { formatMoment, type Zone } from './timestamps.ts'

export type FormatFrame = (entry: Entry) => string

/** How entries are written: the release decides the fields, the zone the local time. */
export interface FrameForm {
  readonly release: Release
  readonly zone: Zone
}

/** The end marker: a JSON string, quotes included (protocol §3). */
export const endFrame = '"end"'

/** Writes entries as the log socket sends them (protocol §3.1), by joining text: the constant part of a datapoint is made once. */
export function createFrameFormat({ release, zone }: FrameForm): FormatFrame {
  const constant = new Map<Datapoint, string>()
  const state = release.deviceState ? '"deviceState":"provisioned",' : ''
  const preset = release.presetAlways ? ',"presetValue":null' : ''

  function describePath(datapoint: Datapoint): string {
    const { deviceId, device, block, index, xif, name, qualifier } = datapoint
    const path = {
      deviceId,
      deviceName: device,
      blockName: block,
      blockIndex: index,
      datapointName: xif,
      name,
      dpQualifier: qualifier,
    }
    const text = `${JSON.stringify(path).slice(1, -1)},${state}"deviceHealth":"normal"`
    constant.set(datapoint, text)
    return text
  }

  return entry => {
    const { datapoint, ms, nanos, utcText, valueText } = entry
    const fraction = utcText.length > 19 ? utcText.length - 20 : 0
    const local = formatMoment(ms + zone.offsetMs(ms), nanos, fraction) + zone.suffix(ms)
    const path = constant.get(datapoint) ?? describePath(datapoint)
    // An entry on the full hour qualifies for the hourly level too; one row with both tags (protocol §4).
    const tags = !release.tags ? '' : ms % 3_600_000 === 0 ? bothLevels : firstLevel
    return `{"id":${datapoint.id},"local":"${local}","utc":"${utcText}Z[UTC]",${path},"value":${valueText},"localizedValue":${valueText}${preset}${tags}}`
  }
}

const firstLevel = ',"tags":{"log_level_1":"1"}'
const bothLevels = ',"tags":{"log_level_1":"1","log_level_2":"1"}'
