import { expect, test } from 'vitest'
import { createNotifications } from '../../../src/smartserver/notifications.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { steeredClock } from '../../support/steered-clock.ts'

function notifications() {
  const clock = steeredClock()
  const { log, lines } = recordedLog()
  return { clock, lines, ...createNotifications({ log, clock }) }
}

const warn = 40
const notification = (message: string) =>
  ({ raw: 'CRT:NOTIFICATION', kind: 'notification', message, targetType: 'DEVICE', targetName: 'Pump 7' }) as const
const device = (state: string, health: string) =>
  ({ raw: 'UPD:DEVICE', kind: 'device', id: '5', name: 'Pump 7', state, health }) as const

test('a notification that repeats is a warning once in ten minutes', () => {
  const { note, lines, clock } = notifications()
  for (let minute = 0; minute < 15; minute++) {
    note(notification('Device does not respond!'))
    clock.advance(60_000)
  }
  note(notification('another'))
  expect(lines.filter(({ level }) => level >= warn).map(it => it['notification'])).toEqual([
    'Device does not respond!',
    'Device does not respond!',
    'another',
  ])
  expect(lines[0]).toMatchObject({ targetName: 'Pump 7' })
})

test('what was said since a moment is at hand, each text once', () => {
  const { note, since, clock } = notifications()
  note(notification('before'))
  clock.advance(1)
  const began = clock.now()
  for (const text of ['a', 'b  \n b', 'a']) note(notification(text))
  expect(since(began)).toEqual(['Pump 7: a', 'Pump 7: b b'])
})

test('a change of a device is logged once, an unchanged device never', () => {
  const { note, lines } = notifications()
  for (let i = 0; i < 3; i++) note(device('provisioned', 'normal'))
  expect(lines).toEqual([])
  for (let i = 0; i < 3; i++) note(device('provisioned', 'down'))
  note(device('provisioned', 'normal'))
  note({ raw: 'DEL:DEVICE', kind: 'device-deleted', id: '5' })
  expect(lines.map(it => [it.level >= warn, it['deviceId'], it['health']])).toEqual([
    [true, '5', 'down'],
    [false, '5', 'normal'],
    [true, '5', undefined],
  ])
})
