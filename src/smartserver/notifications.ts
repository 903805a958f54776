import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import type { Update } from './updates.ts'

/** A device that does not answer is notified at every poll: the same text is logged again after this long. */
const sameAgainMs = 600_000
/** What is remembered of notifications, for the requests that run meanwhile. */
const remembered = 50
const longestText = 200

/** Bounded (law 6): beyond it the oldest is forgotten, and logged again when it comes again. */
const mostKeys = 10_000

interface Said {
  readonly text: string
  readonly at: number
}

/** What the gateway sends on its general socket beside values: logged once, and added to the message of a failed request. */
export interface Notifications {
  note(update: Update): void
  /** Texts of the notifications that came after `at`, newest last, each once. */
  since(at: number): string[]
}

export function createNotifications({ log, clock }: { log: Logger; clock: Clock }): Notifications {
  const said: Said[] = []
  const warned = new Map<string, number>()
  const devices = new Map<string, string>()

  function noteNotification(update: Extract<Update, { kind: 'notification' }>): void {
    const { message, targetType, targetName } = update
    const now = clock.now()
    const text = [targetName, message].filter(Boolean).join(': ').replace(/\s+/g, ' ').slice(0, longestText)
    said.push({ text, at: now })
    if (said.length > remembered) said.shift()
    const isNews = now - (warned.get(text) ?? Number.NEGATIVE_INFINITY) >= sameAgainMs
    if (isNews) remember(warned, text, now)
    log[isNews ? 'warn' : 'debug']({ notification: message, targetType, targetName }, 'the gateway notifies')
  }

  /** The first state of a device is logged only if it is down: the gateway also sends devices that have not changed. */
  function noteDevice({ id, name, state, health }: Extract<Update, { kind: 'device' }>): void {
    const shown = `${state ?? ''} ${health ?? ''}`
    const earlier = devices.get(id)
    if (earlier === shown) return
    remember(devices, id, shown)
    const isDown = health === 'down'
    if (earlier !== undefined || isDown)
      log[isDown ? 'warn' : 'info']({ deviceId: id, device: name, state, health }, 'a device has changed')
  }

  return {
    note(update) {
      if (update.kind === 'notification') noteNotification(update)
      else if (update.kind === 'device') noteDevice(update)
      else if (update.kind === 'device-deleted') {
        if (update.id !== undefined) devices.delete(update.id)
        log.warn({ deviceId: update.id }, 'a device was deleted')
      }
    },
    since(at) {
      return [...new Set(said.filter(it => it.at >= at).map(it => it.text))]
    },
  }
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > mostKeys) map.delete(map.keys().next().value!)
}
