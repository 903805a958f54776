import { durationText } from '../domain/duration.ts'
import { type GroupingInUse, keepsUp, type Pace, type Remedy } from '../planning/pace.ts'
import { aboutText, countOf, shareText, tookText } from './format.ts'

/** Which datapoints are asked for together, and why. */
export function groupingText(pace: Pace): string {
  const { per, narrowDevices } = pace.grouping
  const how = {
    datapoint: 'one request a datapoint',
    device: 'one request a device',
    gateway: 'all devices in one request',
  }
  const rest =
    narrowDevices > 0 && per !== 'gateway'
      ? `; of ${countOf(narrowDevices, 'device')} each datapoint by itself, because most of what they log is not wanted`
      : ''
  return `${how[per]} (${reasonText(pace)})${rest}`
}

function reasonText({ grouping, everyMs }: Pace): string {
  const { reason, share } = grouping
  if (reason === 'configured') return 'as requests.per says'
  if (reason === 'few-devices') return 'with few devices that costs the gateway little'
  if (reason === 'unmeasured') return 'until its answers show how much of them is wanted'
  if (reason === 'no-filters') return 'the gateway sends all of its devices whatever it is asked for'
  const measured = share === undefined ? 'most of what all devices bring is not wanted' : measuredText(share, everyMs)
  return reason === 'few-in-vain' ? `${measured}, and less than a request costs` : measured
}

function measuredText({ received, outside, ms }: NonNullable<GroupingInUse['share']>, everyMs: number): string {
  const brings = aboutText((received / ms) * everyMs).replace('about ', '')
  return `all devices bring about ${brings} entries a pass, of which ${shareText(outside / received)} are not wanted, as measured`
}

/** For `plan` and `status`. */
export function paceText(pace: Pace): string {
  const { requests, neededMs, everyMs } = pace
  const words = `${countOf(requests, 'request')}, about ${tookText(neededMs)}, every ${durationText(everyMs)}`
  return keepsUp(pace) ? words : `${words}: ${lagText(pace)}`
}

/** What to do where it cannot keep up; undefined: it does. */
export function paceWarning(pace: Pace): string | undefined {
  if (keepsUp(pace)) return undefined
  const { requests, neededMs, everyMs } = pace
  return `sync needs ${countOf(requests, 'request')} a pass, about ${tookText(neededMs)}, and has a pass every ${durationText(everyMs)}: ${lagText(pace)}. ${remedyText(pace)}`
}

function lagText({ neededMs }: Pace): string {
  return `CANNOT KEEP UP, the newest entries come up to ${tookText(neededMs)} late and the backlog hardly at all`
}

export function remedyText({ remedies }: Pace): string {
  if (remedies.length === 0) return 'No single setting would keep up: ask for fewer datapoints.'
  return `What would: ${remedies.map(settingText).join('; or ')}.`
}

function settingText({ setting, value, requests }: Remedy): string {
  const [section, key] = setting.split('.')
  const shown = setting === 'sync.every' ? durationText(Number(value)) : String(value)
  const effect = setting === 'requests.per' ? ` (${countOf(requests, 'request')} a pass)` : ''
  return `"${section}: { ${key}: ${shown} }"${effect}`
}

export function paceJson(pace: Pace) {
  const { grouping, requests, neededMs, everyMs, remedies } = pace
  return {
    grouping,
    requestsPerPass: requests,
    neededMs: Math.round(neededMs),
    everyMs,
    keepsUp: keepsUp(pace),
    remedies,
  }
}
