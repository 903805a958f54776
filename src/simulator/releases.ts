/** What differs between gateway releases (protocol §2.1, §3.3, §4, §6, §9.5). */
export interface Release {
  readonly name: ReleaseName
  /** As `/iap/version` shows it. */
  readonly version: string
  /** What a bare `dpName=X` or `blockName=X` means; the vendor flipped it at 3.20.114. */
  readonly bareName: 'xif' | 'instance'
  /** Whether the key `xifName` exists in filters. */
  readonly xifNameKey: boolean
  /** Whether the log socket heeds dev, blockName, blockIndex and dpName; 2.80 sends the whole time range instead. */
  readonly pathFilters: boolean
  /** `deviceState` in entries: below 3.1. */
  readonly deviceState: boolean
  /** `presetValue` in every entry (below 3.1), or only where a preset matches. */
  readonly presetAlways: boolean
  /** `tags` with log levels: since about 3.3. */
  readonly tags: boolean
  /** REST log rows in the form of the older documents: `2019-01-11 23:27:46.045 UTC`, ids as strings (§3.2). */
  readonly oldRestRows: boolean
  /** `monitoringMethod` in DLA rows since 3.2, `polled` before. */
  readonly monitoringMethod: boolean
  /** `tags` in DLA rows since 3.6. */
  readonly dlaTags: boolean
  /** UPD:SC:CPU and UPD:TOTAL_EPS since 3.5, UPD:CPU and UPD:EPS before. */
  readonly statusByController: boolean
  /** Since 4.1: cms/info/time, NTF:TIME, time stamps in UPD:DATAPOINT, `/iap/storage` by SmartServer name. */
  readonly tellsTime: boolean
}

export type ReleaseName = '2.80' | '3.10' | '3.20.114' | '3.60' | '4.10' | '4.20' | '4.30'

const v3 = {
  deviceState: false,
  presetAlways: false,
  pathFilters: true,
  tags: false,
  oldRestRows: false,
  dlaTags: false,
  statusByController: false,
  tellsTime: false,
} as const
const byXif = { bareName: 'xif', xifNameKey: false, monitoringMethod: false } as const
const byInstance = { bareName: 'instance', xifNameKey: true, monitoringMethod: true } as const
const v36 = { tags: true, dlaTags: true, statusByController: true } as const

const v41 = { ...v3, ...byInstance, ...v36, tellsTime: true } as const

export const releases: Readonly<Record<ReleaseName, Release>> = {
  '2.80': {
    ...v3,
    ...byXif,
    name: '2.80',
    version: '2.80.015',
    pathFilters: false,
    deviceState: true,
    presetAlways: true,
    oldRestRows: true,
  },
  '3.10': { ...v3, ...byXif, name: '3.10', version: '3.10.037' },
  '3.20.114': { ...v3, ...byInstance, name: '3.20.114', version: '3.20.114' },
  '3.60': { ...v3, ...byInstance, ...v36, name: '3.60', version: '3.60.012' },
  '4.10': { ...v41, name: '4.10', version: '4.10.038' },
  // Nothing is known that sets these apart from 4.10 (protocol §10.12).
  '4.20': { ...v41, name: '4.20', version: '4.20.005' },
  '4.30': { ...v41, name: '4.30', version: '4.30.003' },
}

/** The habits of a gateway that gives its version as `3.20.121`: those of the newest release here that is not newer, else the oldest. */
export function releaseOf(version: string): ReleaseName {
  const known = Object.values(releases).sort((a, b) => ordinal(a.name) - ordinal(b.name))
  return (known.findLast(({ name }) => ordinal(name) <= ordinal(version)) ?? known[0]!).name
}

/** "3.20.114" → 320114, as the vendor compares releases. */
function ordinal(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(part => Number.parseInt(part, 10) || 0)
  return major * 100_000 + minor * 1000 + patch
}
