import type { Dice } from './dice.ts'

/** A frame that is no entry; a Buffer is sent as a binary frame. */
export interface OddFrame {
  readonly odd: string | Buffer
}

// None of these may be taken for an entry or for the end marker.
const frames: readonly (string | Buffer)[] = [
  '',
  'end',
  '"END"',
  '"end',
  '"end" ',
  'null',
  '[]',
  '{}',
  '42',
  'true',
  '{"id":48211,"local":"2022-04-11T01:00:00.000-07:00[America/Los_Angeles]","utc":"2022-04-1',
  '{"utc":"yesterday","deviceId":5,"deviceName":"Sensor 1","blockName":"B","blockIndex":0,"datapointName":"x","value":1}',
  '{"utc":"2022-13-41T25:61:61.000Z[UTC]","deviceId":5,"deviceName":"Sensor 1","datapointName":"x","value":1}',
  '{"utc":"2022-04-11T08:00:00.000Z[UTC]","value":1}',
  '{"message":"Internal server error","status":500}',
  '<html><body>Service Unavailable</body></html>',
  `${'['.repeat(2000)}`,
  '{"utc":null,"deviceName":null,"blockName":null,"blockIndex":null,"datapointName":null,"value":null}',
  '\u0000\u0001\ufffd',
  Buffer.from([0x22, 0x65, 0x6e, 0x64, 0x22]),
  Buffer.from([0xff, 0xfe, 0x00, 0x7b]),
]

export function createGarbage(dice: Dice): OddFrame {
  return { odd: dice.pick(frames) }
}

/** What a gateway might say in place of an answer; no such frame is documented (protocol §10.2). */
export const errorFrame: OddFrame = { odd: '{"error":"Query failed","message":"Internal server error","status":500}' }

/** A JSON string of the given length. */
export function createGiant(bytes: number): OddFrame {
  return { odd: `"${'x'.repeat(Math.max(0, bytes - 2))}"` }
}
