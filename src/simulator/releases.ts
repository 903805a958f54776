/** What differs between gateway releases (protocol §2.1, §3.3, §6, §9.5). */
export interface Release {
  readonly name: ReleaseName
  /** As `/iap/version` tells it. */
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
}

export type ReleaseName = '2.80' | '3.10' | '3.20.114' | '3.60' | '4.10'

const old = { bareName: 'xif', xifNameKey: false, tags: false } as const
const recent = {
  bareName: 'instance',
  xifNameKey: true,
  pathFilters: true,
  deviceState: false,
  presetAlways: false,
} as const

export const releases: Readonly<Record<ReleaseName, Release>> = {
  '2.80': { ...old, name: '2.80', version: '2.80.015', pathFilters: false, deviceState: true, presetAlways: true },
  '3.10': { ...old, name: '3.10', version: '3.10.037', pathFilters: true, deviceState: false, presetAlways: false },
  '3.20.114': { ...recent, name: '3.20.114', version: '3.20.114', tags: false },
  '3.60': { ...recent, name: '3.60', version: '3.60.012', tags: true },
  '4.10': { ...recent, name: '4.10', version: '4.10.038', tags: true },
}
