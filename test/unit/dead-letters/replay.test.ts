import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createLetterReader } from '../../../src/dead-letters/letter-content.ts'
import { replayLetters } from '../../../src/dead-letters/replay.ts'
import type { Selector } from '../../../src/domain/datapoint.ts'
import { pointJson } from '../../../src/entries/letter-point.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { compileMapping } from '../../../src/points/mapping.ts'
import { logFrame } from '../../support/log-frames.ts'
import { makePoint, makeSeries } from '../../support/points.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { scriptedSink } from '../../support/scripted-sink.ts'
import { steeredClock } from '../../support/steered-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const never = new AbortController().signal
const around = { at: '2026-01-31T00:00:00.000Z', after: '1970-01-01T00:00:00.000Z', until: '1970-01-02T00:00:00.000Z' }

/** What the configuration and the gateway say on the day of the replay. */
interface Today {
  readonly selectors?: readonly Selector[]
  readonly deviceIdOf?: (shown: string) => string | undefined
  readonly learnDevices?: () => Promise<void>
}

function openLetters(lines: readonly (string | Buffer)[]) {
  const folder = join(temporaryFolder(), 'dead-letters')
  mkdirSync(folder)
  const file = join(folder, '2026-01-31.ndjson')
  writeFileSync(file, Buffer.concat(lines.map(line => Buffer.concat([Buffer.from(line), Buffer.from('\n')]))))
  const sink = scriptedSink()
  const mapping = compileMapping('plant-a', [])
  async function replay({ selectors = [{}], deviceIdOf, learnDevices = async () => {} }: Today = {}) {
    const ledger = openLedger(':memory:', steeredClock())
    const readLetter = createLetterReader('plant-a', selectors, { mapping, deviceIdOf, clock: steeredClock() })
    try {
      const gateways = [{ source: { name: 'plant-a', hello: learnDevices }, mapping, readLetter }]
      return await replayLetters(undefined, { sink, ledger, folder, gateways, log: recordedLog().log }, never)
    } finally {
      ledger.close()
    }
  }
  return { file, sink, replay }
}

describe('a replay of dead letters', () => {
  it('keeps lines that are no letters byte for byte, and counts them', async () => {
    const torn = ['{"at":"2026-01-31T00:0', '[]', Buffer.from([0xff, 0xfe, 0x41])]
    const letter = { ...around, gateway: 'plant-a', reason: 'not-json', detail: 'x', raw: '{"a\u2028b' }
    const { file, replay } = openLetters([torn[0]!, JSON.stringify(letter), torn[1]!, torn[2]!])
    expect(await replay()).toMatchObject({ read: 1, remaining: 1, unreadable: 3 })
    const kept = readFileSync(file)
    for (const line of torn) expect(kept.includes(Buffer.from(line))).toBe(true)
    expect(kept.toString()).toContain('"raw":"{\\"a\u2028b"')
    expect(await replay()).toMatchObject({ read: 1, remaining: 1, unreadable: 3 })
    expect(readFileSync(file)).toEqual(kept)
  })

  it('writes a whole point of a gateway that is not configured any more', async () => {
    const point = makePoint(makeSeries({ gateway: 'gone' }), 1_000, { value: 7 })
    const letter = { ...around, gateway: 'gone', reason: 'type', detail: 'x' }
    const { sink, replay } = openLetters([
      JSON.stringify({ ...letter, point: pointJson(point) }),
      JSON.stringify({ ...letter, raw: '{}' }),
    ])
    expect(await replay()).toMatchObject({ read: 2, written: 1, remaining: 1 })
    expect([...sink.stored.values()]).toEqual([point])
  })

  it('of a device that is configured by id asks the gateway once how entries name it, and keeps what stays unknown', async () => {
    const letterOf = (deviceId: string) => {
      const letter = { ...around, gateway: 'plant-a', reason: 'unknown-device-id', detail: 'x' }
      return JSON.stringify({ ...letter, raw: JSON.stringify({ ...JSON.parse(logFrame(1_000)), deviceId }) })
    }
    const { sink, replay } = openLetters([letterOf('17q4.2'), letterOf('17q4.9')])
    const selectors = [{ device: { id: '5', as: 'Sensor 1' } }]
    expect(await replay({ selectors })).toMatchObject({ read: 2, written: 0, remaining: 2 })
    let asked = 0
    let ids: Record<string, string> = {}
    const learnDevices = async () => {
      asked++
      ids = { '17q4.2': '5' }
    }
    const deviceIdOf = (shown: string) => ids[shown]
    const receipt = await replay({ selectors, learnDevices, deviceIdOf })
    expect([receipt.written, receipt.remaining, [...receipt.reasons], asked]).toEqual([
      1,
      1,
      [['unknown-device-id', 1]],
      1,
    ])
    expect(sink.stored.size).toBe(1)
    // nor is a letter of another reason told a wrong one because the list was not read yet
    const { replay: late } = openLetters([letterOf('17q4.2').replace('unknown-device-id', 'no-value')])
    ids = {}
    expect(await late({ selectors, learnDevices, deviceIdOf })).toMatchObject({ written: 1, remaining: 0 })
    asked = 1
    // a device that is configured by name needs no id, whatever others need
    const { replay: named } = openLetters([letterOf('17q4.9')])
    const mixed = [{ device: { id: '5', as: 'Other' } }, { device: { name: 'Sensor 1' } }]
    expect(await named({ selectors: mixed })).toMatchObject({ written: 1, remaining: 0 })
    // others need no gateway
    const { replay: again } = openLetters([JSON.stringify({ ...around, gateway: 'plant-a', reason: 'x', raw: '{' })])
    await again({ learnDevices })
    expect(asked).toBe(1)
  })
})
