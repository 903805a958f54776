import type { Release } from './releases.ts'

/** A datapoint of a device type, and what is done with it. */
export interface DlaPoint {
  readonly id: number
  readonly type: string
  readonly block: string
  readonly index: number
  readonly xif: string
  /** Log interval, seconds. */
  readonly logInterval: number
  readonly use: 'logged' | 'monitored' | 'unused'
  /** Retention of the first level, days. */
  readonly days: number
}

/** A row of `/iap/devTypes/*\/if/*\/*\/*\/dla` (protocol §4). */
export function describeDla(point: DlaPoint, release: Release): object {
  const { xif, use, days, logInterval } = point
  const logged = use === 'logged'
  const monitored = use !== 'unused'
  return {
    id: point.id,
    protocol: 'lon',
    deviceTypeName: point.type,
    fullDpName: `${point.block}/${point.index}/${xif}`,
    dpType: `SNVT_${xif.slice(3).toLowerCase()}`,
    dpTypeRef: null,
    dpCategory: xif.startsWith('nvi') ? 'in' : 'out',
    visible: true,
    monitored,
    logged,
    alarmed: false,
    ...(release.monitoringMethod ? { monitoringMethod: monitored ? 'POLLED' : null } : { polled: monitored }),
    pollInterval: monitored ? logInterval || 60 : null,
    publishInterval: null,
    publishMinDeltaTime: null,
    publishMinDeltaValue: null,
    initialValue: null,
    logInterval1: logged ? logInterval : null,
    logInterval2: logged ? 3600 : null,
    logInterval3: null,
    logRetention1: logged ? days : null,
    logRetention2: logged ? Math.max(60, days) : null,
    logRetention3: logged ? Math.max(730, days) : null,
    logMultiply1: null,
    logMultiply2: null,
    logMultiply3: null,
    logMinDeltaTime: logged ? 0 : null,
    logMinDeltaValue: logged ? 'ALWAYS' : null,
    alarmName: null,
    alarmTypeName: null,
    alarmDetails: null,
    highWarning: null,
    lowWarning: null,
    highAlarm: null,
    lowAlarm: null,
    presets: null,
    localization: null,
    ...(release.dlaTags ? { tags: null } : {}),
  }
}
