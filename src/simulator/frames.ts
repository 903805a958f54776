import type { Entry } from './history.ts'
import { isDrawn, type OdditySettings } from './oddities.ts'
import { mix } from './random.ts'
import type { Release } from './releases.ts'
import { type Datapoint, segment } from './site.ts'
import { formatMoment, trimMoment, type Zone } from './timestamps.ts'

export interface FormatFrame {
  (entry: Entry): string
  /** Names or ids have changed. */
  forget(): void
}

/** How entries are written: the release decides the fields, the zone the local time. */
interface FrameForm {
  readonly release: Release
  readonly zone: Zone
  /** `fixed`: the digits that are stored; `java`: as few as Java prints. */
  readonly timeText: 'fixed' | 'java'
  /** The exact JSON shape of `tags` is not known (protocol §3.1). */
  readonly tagsShape: 'object' | 'array'
  readonly oddities: OdditySettings
}

/** The end marker: a JSON string, quotes included (protocol §3). */
export const endFrame = '"end"'

type IdForm = 'number' | 'string' | 'segment'

/** Writes entries as the log socket sends them (protocol §3.1), by joining text: the constant part of a datapoint is made once. */
export function createFrameFormat(form: FrameForm): FormatFrame {
  const { release, zone, oddities } = form
  const paths: Record<IdForm, Map<Datapoint, string>> = { number: new Map(), string: new Map(), segment: new Map() }
  const state = release.deviceState ? '"deviceState":"provisioned",' : ''
  const preset = release.presetAlways ? ',"presetValue":null' : ''
  const show = form.timeText === 'java' ? trimMoment : (text: string) => text
  const tag = (levels: readonly string[]) =>
    form.tagsShape === 'array'
      ? `,"tags":${JSON.stringify(levels)}`
      : `,"tags":${JSON.stringify(Object.fromEntries(levels.map(level => [level, '1'])))}`
  const firstLevel = tag(['log_level_1'])
  const bothLevels = tag(['log_level_1', 'log_level_2'])

  function describePath(datapoint: Datapoint, ids: IdForm): string {
    const { deviceId, device, block, index, xif, name, dpQualifier, qualifier } = datapoint
    const path = {
      deviceId: { number: deviceId, string: String(deviceId), segment: `${segment}.${qualifier.split('/')[2]}` }[ids],
      deviceName: device,
      blockName: block,
      blockIndex: ids === 'number' ? index : String(index),
      datapointName: xif,
      name,
      dpQualifier,
    }
    const text = `${JSON.stringify(path).slice(1, -1)},${state}"deviceHealth":"normal"`
    paths[ids].set(datapoint, text)
    return text
  }

  function idForm(bits: number): IdForm {
    if (isDrawn(oddities.segmentIds, bits, 31)) return 'segment'
    return isDrawn(oddities.stringIds, bits, 32) ? 'string' : 'number'
  }
  const uniform = oddities.segmentIds === 0 && oddities.stringIds === 0 && oddities.extraFields === 0

  const format = (entry: Entry): string => {
    if (entry.raw !== undefined) return entry.raw
    const { datapoint, ms, nanos, utcText, valueText } = entry
    const fraction = utcText.length > 19 ? utcText.length - 20 : 0
    const local = show(formatMoment(ms + zone.offsetMs(ms), nanos, fraction)) + zone.suffix(ms)
    const bits = uniform ? 0 : mix(datapoint.id, ms, nanos)
    const ids = uniform ? 'number' : idForm(bits)
    const path = paths[ids].get(datapoint) ?? describePath(datapoint, ids)
    // An entry on the full hour qualifies for the hourly level too; one row with both tags (protocol §4).
    const tags = !release.tags ? '' : ms % 3_600_000 === 0 ? bothLevels : firstLevel
    const extra =
      !uniform && isDrawn(oddities.extraFields, bits, 33) ? ',"deviceHandle":"h-7","localizedUnit":"lx","seq":null' : ''
    return `{"id":${datapoint.id},"local":"${local}","utc":"${show(utcText)}Z[UTC]",${path},"value":${valueText},"localizedValue":${valueText}${preset}${tags}${extra}}`
  }
  return Object.assign(format, {
    forget: () => {
      for (const known of Object.values(paths)) known.clear()
    },
  })
}
