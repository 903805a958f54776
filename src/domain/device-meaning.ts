/**
 * What a configured id means in an entry. `doubtful`: the entry bears a name that the device was not known by, and the
 * gateway's list is to be read first. `another`: the list has told that the id was given to another device.
 */
export type IdMeaning = 'same' | 'doubtful' | 'another'

/** What tells that an id still means the same device. */
export interface DeviceMeaning {
  readonly name: string
  /** The unique number of the hardware, where the gateway tells it. */
  readonly uid: string | undefined
}
