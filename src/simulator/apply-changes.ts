import { type Changes, changeSchema } from './changes.ts'
import type { Directory } from './directory.ts'
import type { Faults } from './faults.ts'
import type { FormatFrame } from './frames.ts'
import type { GatewayClock } from './gateway-clock.ts'
import type { GeneralSockets } from './general-sockets.ts'
import { parseBy } from './options.ts'
import type { Recorder } from './recorder.ts'
import type { Sessions } from './sessions.ts'

interface ChangeParts {
  readonly clock: GatewayClock
  readonly recorder: Recorder
  readonly directory: Directory
  readonly frame: FormatFrame
  readonly sessions: Sessions
  readonly general: GeneralSockets
  setFaults(changes: Faults): void
  setDateSkew(ms: number): void
  /** Cuts every connection. */
  cut(): void
}

/** Carries out changes and says on the general-purpose sockets what a gateway says of them. Throws RangeError. */
export function createChanges(parts: ChangeParts): (changes: Changes) => void {
  const { clock, recorder, directory, frame, general } = parts

  function announce(change: () => void): void {
    const before = directory.devices
    change()
    frame.forget()
    const known = new Map(before.map(device => [device.id, JSON.stringify(device)]))
    const ids = new Set(directory.devices.map(({ id }) => id))
    // The payload of DEL:DEVICE is not documented (protocol §10.11).
    for (const id of known.keys()) if (!ids.has(id)) general.emit('DEL:DEVICE', { id: Number(id) })
    for (const device of directory.devices)
      if (known.get(device.id) !== JSON.stringify(device)) general.emit('UPD:DEVICE', device)
  }

  return changes => {
    parseBy(changeSchema, changes)
    const { moveClockMs, clock: time, dateSkewMs, rename, renumber, hide, logging, monitoring, faults } = changes
    if (moveClockMs !== undefined) recorder.setClock(() => clock.move(moveClockMs))
    if (time !== undefined) recorder.setClock(() => clock.set(time === 'right' ? time : Date.parse(time)))
    if (dateSkewMs !== undefined) parts.setDateSkew(dateSkewMs)
    if (rename !== undefined) announce(() => directory.rename(rename))
    if (renumber !== undefined) announce(() => directory.renumber(renumber))
    if (hide !== undefined) announce(() => directory.hide(hide))
    if (logging !== undefined) recorder.setState(logging ? 'enabled' : 'disabled', undefined)
    if (monitoring !== undefined) {
      recorder.setMonitoring(monitoring)
      general.emit('UPD:MONITORINGSTATE', { active: monitoring })
    }
    if (faults !== undefined) parts.setFaults(faults)
    if (changes.expireSessions) parts.sessions.expireAll()
    if (changes.disconnect) parts.cut()
  }
}
