import type { Logger } from 'pino'
import type { Clock } from '../domain/clock.ts'
import type { Update } from './updates.ts'

/** A device that does not answer is told about at every poll: the same words are logged again after this long. */
const sameAgainMs = 600_000
/** What is remembered of notifications, for the requests that run meanwhile. */
const remembered = 50
const longestText = 200

/** Bounded, whatever a gateway makes up (law 6): beyond it the oldest is forgotten, and is news once more. */
const mostKeys = 10_000

interface Said {
  readonly text: string
  readonly at: number
}

/** What the gateway tells on its general socket beside values: logged once, and at hand for a request that fails. */
export interface Notices {
  note(update: Update): void
  /** Texts of the notifications that came after `at`, newest last, each once. */
  since(at: number): string[]
}

export function createNotices({ log, clock }: { log: Logger; clock: Clock }): Notices {
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

  /** A first sight is news only where something is wrong: the gateway also tells of devices that go on as ever. */
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
