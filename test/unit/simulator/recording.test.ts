import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { loadCsv, parseCsv } from '../../../src/simulator/csv.ts'
import type { History } from '../../../src/simulator/history.ts'
import { loadCapture, readCapture } from '../../../src/simulator/replay.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts'
import { runs } from '../../support/runs.ts'
import { call, encodeValue, login, range, readLog } from './client.ts'

const start = Date.parse('2024-03-01T00:00:00Z')
const hour = 3_600_000
const opened: Simulator[] = []

afterEach(() => Promise.all(opened.splice(0).map(simulator => simulator.close())))

async function serve(source: History): Promise<{ simulator: Simulator; cookie: string }> {
  const simulator = await startSimulator({ source })
  opened.push(simulator)
  return { simulator, cookie: await login(simulator) }
}

async function inFile<T>(text: string | Buffer, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'simulator-'))
  try {
    const path = join(folder, 'file')
    await writeFile(path, text)
    return await use(path)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const line = (value: unknown) => JSON.stringify(value)
const header = line({ capture: 1, gateway: 'plant', release: '3.60' })

test('a capture of one gateway, replayed by another, gives the same frames for the same and for smaller ranges', async () => {
  const original = await startSimulator({ devices: 6, historyStart: start, now: () => start + 48 * hour })
  opened.push(original)
  const cookie = await login(original)
  const lines = [header]
  for (const [after, until] of [
    [start, start + 2 * hour],
    // Overlaps the first by half an hour, as incremental requests do.
    [start + 1.5 * hour, start + 4 * hour],
  ] as const) {
    const { frames, code } = await readLog(original, cookie, `?${range(after, until)}`)
    lines.push(
      line({ request: { query: range(after, until), after, until } }),
      ...frames.map(frame => line({ frame })),
      line({ close: code }),
    )
  }
  const capture = await inFile(lines.join('\n'), loadCapture)
  expect(capture.header).toMatchObject({ gateway: 'plant', release: '3.60' })
  const replay = await serve(capture.history)
  for (const query of [
    `?${range(start, start + 4 * hour)}`,
    `?${range(start + hour, start + 1.7 * hour)}`,
    `?dev=2&${range(start, start + 4 * hour)}`,
    `?dev=%2A%2Bname%3D%3DMeter%203&dpName=nvoVoltage%5B1%5D&${range(start, start + 4 * hour)}`,
  ]) {
    const expected = await readLog(original, cookie, query)
    expect(expected.frames.length).toBeGreaterThan(3)
    expect(await readLog(replay.simulator, replay.cookie, query)).toEqual(expected)
  }
  const devices = JSON.parse((await call(replay.simulator, 'GET', '/iap/devs', { cookie: replay.cookie })).text)
  expect(devices.map((device: { name: string }) => device.name)).toContain('Thermostat 2')
})

test('a capture keeps what one request brought twice, drops what overlapping requests repeat, and replays garbage in its place', async () => {
  const entry = (second: string, value: number) =>
    line({
      utc: `2024-03-01T00:00:${second}.000Z[UTC]`,
      deviceId: 5,
      deviceName: 'S',
      blockName: 'B',
      blockIndex: 0,
      datapointName: 'p',
      value,
    })
  const twice = entry('02', 2)
  const lines = [
    header,
    line({ request: { query: '', after: start, until: start + 3000 } }),
    ...[entry('01', 1), twice, twice, '{"broken', entry('03', 3), '"end"'].map(frame => line({ frame })),
    line({ close: 1000 }),
    line({ request: { query: '', after: start + 1500, until: start + 4000 } }),
    ...[twice, twice, entry('03', 3), entry('04', 4), '"end"'].map(frame => line({ frame })),
    line({ close: 1000 }),
  ]
  const { history } = await readCapture(lines)
  const { simulator, cookie } = await serve(history)
  const read = async (after: number, until: number) =>
    (await readLog(simulator, cookie, `?${range(after, until)}`)).frames
  expect(await read(start, start + 4000)).toEqual([
    entry('01', 1),
    twice,
    twice,
    '{"broken',
    entry('03', 3),
    entry('04', 4),
    '"end"',
  ])
  expect(await read(start + 1000, start + 2000)).toEqual([twice, twice, '{"broken', '"end"'])
  expect(await read(start + 2000, start + 3000)).toEqual([entry('03', 3), '"end"'])
})

describe('the trouble in a capture', () => {
  const entry = (device: string, second: number) =>
    line({
      utc: `2024-03-01T00:00:0${second}.000Z[UTC]`,
      deviceName: device,
      blockName: 'B',
      blockIndex: 0,
      datapointName: 'p',
      name: 'p',
      value: second,
    })
  const dev = (name: string) => `dev=${encodeValue(`*+name==${name}`)}`
  const whole = range(start, start + 9000)
  const [a1, a2, a3, b1] = [entry('A', 1), entry('A', 2), entry('A', 3), entry('B', 1)]

  /** Two requests of a capture, one for each device: the frames and the close of the first are given. */
  async function replay(frames: readonly object[], close: object) {
    const lines = [
      header,
      line({ request: { query: `/iap/ws?${dev('A')}&${whole}`, after: start, until: start + 9000 } }),
      ...frames.map(line),
      line(close),
      line({ request: { query: `/iap/ws?${dev('B')}&${whole}`, after: start, until: start + 9000 } }),
      line({ frame: b1 }),
      line({ close: 1000, end: true }),
    ]
    const { simulator, cookie } = await serve((await readCapture(lines)).history)
    return (query: string) => readLog(simulator, cookie, `?${query}`)
  }

  test('comes again: a frame without a datapoint for every request that overlaps the one which brought it', async () => {
    const read = await replay([{ frame: a1 }, { frame: '{"broken' }, { frame: a2 }], { close: 1000, end: true })
    expect((await read(`${dev('A')}&${whole}`)).frames).toEqual([a1, '{"broken', a2, '"end"'])
    expect((await read(`${dev('A')}&dpName=p&${whole}`)).frames).toEqual([a1, '{"broken', a2, '"end"'])
    expect((await read(`${dev('B')}&${whole}`)).frames).toEqual([b1, '"end"'])
    expect((await read(`${dev('A')}&${range(start + 1000, start + 9000)}`)).frames).toEqual([a2, '"end"'])
  })

  test('comes again where it is all that ever came', async () => {
    const read = await replay([{ frame: '{"broken' }, { frame: '{"broken' }], { close: 1000, end: true })
    expect((await read(`${dev('A')}&${whole}`)).frames).toEqual(['{"broken', '{"broken', '"end"'])
    expect((await read(`${dev('B')}&${whole}`)).frames).toEqual([b1, '"end"'])
  })

  test.each([
    [1011, 1011],
    [1006, 1006],
    [1005, 1005],
  ])('comes again: a close with %i strikes after the same frame of a request that covers it', async (close, code) => {
    const read = await replay([{ frame: a1 }, { frame: a2 }], { close, end: false })
    expect(await read(`${dev('A')}&${whole}`)).toMatchObject({ frames: [a1, a2], code })
    expect(await read(`${dev('A')}&${range(start + 1500, start + 2000)}`)).toMatchObject({ frames: [a2], code })
    expect((await read(`${dev('A')}&${range(start, start + 1500)}`)).frames).toEqual([a1, '"end"'])
    expect((await read(`${dev('A')}&${range(start + 2000, start + 9000)}`)).frames).toEqual(['"end"'])
    expect((await read(`${dev('B')}&${whole}`)).frames).toEqual([b1, '"end"'])
  })

  test('comes again: silence, a reset, and what came after "end"', async () => {
    const silent = await replay([{ frame: a1 }], { close: null, end: false, failed: 'silence' })
    const waiting = silent(`${dev('A')}&${whole}`)
    const patience = new Promise(resolve => setTimeout(resolve, 300, 'still silent'))
    expect(await Promise.race([waiting, patience])).toBe('still silent')
    await opened.pop()!.close()
    expect((await waiting).frames).toEqual([a1])

    const reset = await replay([{ frame: a1 }], { close: null, end: false, failed: 'connection-broken' })
    expect(await reset(`${dev('A')}&${whole}`)).toMatchObject({ frames: [a1], code: 1006 })

    const after = [{ frame: a1 }, { frame: 'x', afterEnd: true }, { frame: a3, afterEnd: true }]
    const talkative = await replay(after, { close: 1000, end: true, failed: 'frame-after-end' })
    expect((await talkative(`${dev('A')}&${whole}`)).frames).toEqual([a1, '"end"', 'x', a3])
  })

  test('is not what the person did who stopped the recording', async () => {
    const read = await replay([{ frame: a1 }], { close: null, end: false })
    expect(await read(`${dev('A')}&${whole}`)).toMatchObject({ frames: [a1, '"end"'], code: 1000 })
  })
})

test('a capture is served in the order it came', async () => {
  const entry = (second: number) =>
    line({
      utc: `2024-03-01T00:00:0${second}.000Z[UTC]`,
      deviceName: 'S',
      blockName: 'B',
      datapointName: 'p',
      value: second,
    })
  const lines = [
    header,
    line({ request: { after: start, until: start + 9000 } }),
    ...[3, 1, 2].map(second => line({ frame: entry(second) })),
  ]
  const { history } = await readCapture(lines)
  const { simulator, cookie } = await serve(history)
  expect((await readLog(simulator, cookie, `?${range(start, start + 9000)}`)).frames).toEqual([
    entry(3),
    entry(1),
    entry(2),
    '"end"',
  ])
})

test.each([
  ['', 'line 1: the file is empty'],
  ['{"frame":"x"}', 'line 1: not the header'],
  [`${header}\nnot json`, 'line 2: no JSON object'],
  [`${header}\n{"something":1}`, 'line 2: neither request'],
])('a file that is no capture is refused with its line: %j', async (text, message) => {
  await expect(inFile(text, loadCapture)).rejects.toThrow(message)
})

const csv = `time,device,block,index,datapoint,value
2024-03-01T00:00:02Z,Sensor 1,LightSensor,0,nvoLux,412.50
2024-03-01T00:00:01.000000500Z,Sensor 1,LightSensor,0,nvoLux,"{""value"":50.0,""state"":1}"
2024-03-01T01:00:03.5+01:00,"Pump ""A"", cellar",Pump,1,nvoState,HVAC_AUTO
2024-03-01T00:00:04Z,Sensor 1,LightSensor,0,nvoLux,
`

test('a CSV file becomes a history that is served like any other', async () => {
  const { simulator, cookie } = await serve(await inFile(csv, loadCsv))
  const { frames } = await readLog(simulator, cookie, `?${range(start, start + 10_000)}`)
  expect(frames.slice(0, -1).map(frame => JSON.parse(frame))).toMatchObject([
    { utc: '2024-03-01T00:00:01.000000500Z[UTC]', deviceName: 'Sensor 1', value: { value: 50, state: 1 } },
    {
      utc: '2024-03-01T00:00:02.000Z[UTC]',
      blockName: 'LightSensor',
      blockIndex: 0,
      datapointName: 'nvoLux',
      value: 412.5,
    },
    { utc: '2024-03-01T00:00:03.500Z[UTC]', deviceName: 'Pump "A", cellar', blockIndex: 1, value: 'HVAC_AUTO' },
    { utc: '2024-03-01T00:00:04.000Z[UTC]', value: null },
  ])
  expect(frames[0]).toContain('{"value":50.0,"state":1}')
  // The first row is 500 ns after the cut: it belongs to the later range.
  expect((await readLog(simulator, cookie, `?${range(start, start + 1000)}`)).frames).toEqual(['"end"'])
  expect((await readLog(simulator, cookie, `?${range(start + 1000, start + 1500)}`)).frames).toEqual([
    frames[0],
    '"end"',
  ])
})

test.each([
  [
    'semicolons and decimal commas',
    '\ufefftime;device;block;index;datapoint;value\r\n2024-03-01T00:00:00Z;D;B;0;p;-2,50\r\n',
  ],
  [
    'a first line that says so',
    'sep=;\r\ntime;device;block;index;datapoint;value\r\n2024-03-01T00:00:00Z;D;B;0;p;"-2,50"',
  ],
  ['tabs', 'time\tdevice\tblock\tindex\tdatapoint\tvalue\n2024-03-01T00:00:00Z\tD\tB\t0\tp\t-2,50'],
  ['commas', '\ufefftime,device,block,index,datapoint,value\n2024-03-01T00:00:00Z,D,B,0,p,-2.50'],
])('a spreadsheet may write %s', (_, text) => {
  const [entry] = parseCsv(text).merged(() => true, start - 1, start)
  expect(entry).toMatchObject({ value: -2.5, valueText: '-2.50', datapoint: { device: 'D', xif: 'p' } })
})

test.each([
  [
    'Latin-1',
    Buffer.from('time,device,block,index,datapoint,value\n2024-03-01T00:00:00Z,Geb\xe4ude,B,0,p,1', 'latin1'),
    2,
  ],
  ['"Unicode text" of Excel', Buffer.from('\ufefftime\tdevice\tblock\tindex\tdatapoint\tvalue\n', 'utf16le'), 1],
])('a CSV file in %s is refused at its line with what to do', async (_, bytes, number) => {
  await expect(inFile(bytes, loadCsv)).rejects.toThrow(new RegExp(`^line ${number}: .*UTF-(8|16).*"CSV UTF-8"`))
})

test('a capture that is not UTF-8 is refused at its line; a line separator within a frame ends no line', async () => {
  const frames = [line({ request: { after: start, until: start + 1000 } }), line({ frame: 'Geb\xe4ude\u2028' })]
  const text = [header, ...frames].join('\n')
  await expect(inFile(Buffer.from(text, 'latin1'), loadCapture)).rejects.toThrow(/^line 3: .*0xE4.*UTF-8/)
  await expect(inFile(`\ufeff${text}`, loadCapture)).resolves.toMatchObject({ header: { gateway: 'plant' } })
})

test('whatever a CSV file holds, it becomes a history, or its first mistake is shown with its line', () => {
  const cell = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'"",;\t\r\n1.eE-+[{:}]N\u0000\ufeffé') }),
    fc.constantFrom(
      '2024-03-01T00:00:00Z',
      '+275760-09-13T00:00:00Z',
      '-000001-01-01T00:00:00Z',
      '9'.repeat(30),
      '0',
      '',
    ),
    fc.constantFrom('1e999', '[[[[', '"x"', 'null', '1,5', 'NaN', '__proto__', '9007199254740993'),
  )
  const row = fc.array(cell, { maxLength: 7 })
  const separator = fc.constantFrom(',', ';', '\t')
  const heads = fc.constantFrom(
    'time,device,block,index,datapoint,value',
    'sep=;\ntime;device;block;index;datapoint;value',
    '',
  )
  fc.assert(
    fc.property(heads, separator, fc.array(row, { maxLength: 4 }), (head, sign, rows) => {
      const text = [
        head.replaceAll(/[,;]/g, it => (head.startsWith('sep') ? it : sign)),
        ...rows.map(it => it.join(sign)),
      ]
      try {
        const history = parseCsv(text.join('\n'))
        expect([...history.merged(() => true, -1e16, 1e16)].length).toBeLessThanOrEqual(rows.length)
      } catch (error) {
        expect((error as Error).message).toMatch(/^line \d+: /)
      }
    }),
    { numRuns: runs(2000) },
  )
})

test('columns may come in any order and lines end in CR LF', () => {
  const text = 'value,time,datapoint,index,block,device\r\n1,2024-03-01T00:00:00Z,p,0,B,D\r\n'
  const history = parseCsv(text)
  expect([...history.merged(() => true, start - 1, start)]).toMatchObject([{ ms: start, value: 1 }])
})

test.each([
  ['time,device,block,index,value\n', 'line 1: missing column datapoint'],
  ['', 'line 1: missing column'],
  ['time,device,block,index,datapoint,value\nyesterday,D,B,0,p,1', 'line 2: "yesterday" is no ISO 8601 time'],
  [
    'time,device,block,index,datapoint,value\n2024-03-01T00:00:00,D,B,0,p,1',
    'line 2: "2024-03-01T00:00:00" is no ISO 8601 time with a zone',
  ],
  ['time,device,block,index,datapoint,value\n2024-03-01T00:00:00Z,D,B,first,p,1', 'line 2: "first" is no block index'],
  ['time,device,block,index,datapoint,value\n2024-03-01T00:00:00Z,"D,B,0,p,1', 'line 2: a quote is not closed'],
  [
    'time;device;block;index;datapoint;value\n2024-03-01T00:00:00Z;D;B;0;p;1.234,5',
    'line 2: "1.234,5" groups its digits',
  ],
  [
    'sep=;\ntime;device;block;index;datapoint;value\n01.03.2024 14:30;D;B;0;p;1',
    'line 3: "01.03.2024 14:30" is no ISO',
  ],
  [
    'time,device,block,index,datapoint,value\n2024-03-01T00:00:00Z,"a\nb",B,0,p,1\n\nx,D,B,0,p,1',
    'line 5: "x" is no ISO 8601 time',
  ],
])('a CSV file that makes no sense is refused with its line: %j', (text, message) => {
  expect(() => parseCsv(text)).toThrow(message)
})
