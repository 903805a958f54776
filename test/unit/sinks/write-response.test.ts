import { describe, expect, it } from 'vitest'
import { endpointOf } from '../../../src/sinks/influxdb/endpoint.ts'
import { type WriteResponse, writeResponse } from '../../../src/sinks/influxdb/write-response.ts'
import { isWrite, recordedExchanges } from '../../support/recordings.ts'

const endpoint = endpointOf({ url: 'http://localhost:8086', database: 'd', timeout: 1000 })
const lines = ['m v=1 1', 'm v="x" 2']

function responseTo(status: number, body = '', headers: Record<string, string> = {}, sent: Partial<Sent> = {}) {
  const { dialect, lines: own } = { dialect: 'influxdb-1', lines, ...sent } as Sent
  return writeResponse({ status, headers, body }, { dialect, endpoint, lines: own, now: 0 })
}

interface Sent {
  readonly dialect: 'influxdb-1' | 'influxdb-2' | 'influxdb-3'
  readonly lines: readonly string[]
}

/** What a decision comes to, in a word or two. */
function decision(response: WriteResponse): string {
  if (response.act === 'stop') return `stop: ${response.failure.code}`
  if (response.act !== 'refused') return response.act
  const { lines: refused } = response
  if (refused.which === 'named')
    return `lines ${[...refused.named].map(([position, { code }]) => `${position + 1} ${code}`).join(', ')}`
  return `${refused.which}${refused.which === 'oldest' ? ` ${refused.count}` : ''} ${refused.code}`
}

/** Title of a recorded write → what is done. A write that is left out is stored. */
const decisions: Readonly<Record<'influxdb-2' | 'influxdb-3', Readonly<Record<string, string>>>> = {
  'influxdb-2': {
    'write: no token': 'stop: sink-denied',
    'write: a token that is none': 'stop: sink-denied',
    'write: a token that may only read': 'stop: sink-denied',
    'write: a token of another bucket': 'stop: sink-denied',
    'write: no such bucket': 'stop: sink-missing',
    'write: no such organization': 'stop: sink-missing',
    'write: two lines in five that cannot be read (nothing is stored, every one is named)':
      'lines 2 refused, 4 refused',
    'write: NaN': 'lines 1 refused',
    'write: a type conflict in the same shard (the good ones are stored)': 'some type',
    'write: older than the retention (the good ones are stored)': 'oldest 2 retention',
    'write: a tag named time': 'lines 1 refused',
    // its recorded body is shortened, so that no line is found in it
    'write: a key that is too long': 'some refused',
    'write: gzip that is broken': 'wait',
    'v1 write: no such database': 'stop: sink-missing',
    'v1 write: type conflict': 'all type',
    'write: the bucket was deleted': 'stop: sink-missing',
  },
  'influxdb-3': {
    // never sent; that the request is to blame, and no line, is right for it too
    'write_lp: nothing': 'stop: sink-refuses',
    'write_lp: no token': 'stop: sink-denied',
    'write_lp: a token that is none': 'stop: sink-denied',
    'write_lp: three bad lines of six, accept_partial=true (the good ones are stored, every bad one is named)':
      'lines 2 refused, 4 refused, 5 type',
    'write_lp: the same, accept_partial=false (nothing is stored)': 'lines 2 refused',
    'v2 write: the same': 'stop: sink-refuses',
    'v1 write: the same': 'lines 2 refused',
    'write_lp: NaN': 'lines 1 refused',
    'write_lp: a tag named time': 'lines 1 type',
    'write_lp: a field that is a tag already': 'lines 1 type',
    'write_lp: an integer for a float': 'lines 1 type',
    'write_lp: a tag without a value': 'lines 1 refused',
    'write_lp: more than 500 columns': 'stop: sink-full',
    'v2 write: more than 500 columns': 'stop: sink-full',
    'write_lp: gzip that is broken': 'stop: sink-refuses',
    'write_lp: 12 MB in one request': 'too-large',
    'write_lp: a name of a database that cannot be': 'stop: sink-missing',
    'write_lp: a sixth database': 'stop: sink-missing',
    'v2 write: a sixth database': 'stop: sink-missing',
  },
}

describe.each(['influxdb-2', 'influxdb-3'] as const)('each recorded answer of %s to a write', name => {
  const writes = recordedExchanges(name).filter(isWrite)

  it.each(writes.map(exchange => [exchange.title, exchange] as const))('%s', (title, { request, response }) => {
    const sent = (request.body ?? '').split('\n').filter(line => line !== '')
    const { status, body, headers } = response
    const decided = decision(responseTo(status, body, headers, { dialect: name, lines: sent }))
    expect(decided).toBe(decisions[name][title] ?? 'stored')
  })

  it('has a decision of its own, and no decision is of another recording', () => {
    const titles = new Set(writes.map(({ title }) => title))
    expect(Object.keys(decisions[name]).filter(title => !titles.has(title))).toEqual([])
  })
})

describe('an answer of InfluxDB 3 that names no line', () => {
  it.each([
    'error from wal: error writing wal file: Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)',
    'catalog update error: object store error: ObjectStore(Generic { StorageFull })',
    'wal buffer full',
  ])('is waited out where the database is in trouble: %s', text => {
    const body = JSON.stringify({ code: 'invalid', message: `write buffer error: ${text}` })
    for (const dialect of ['influxdb-2', 'influxdb-3'] as const)
      expect(decision(responseTo(400, body, {}, { dialect }))).toBe('wait')
  })

  it('but lists other lines than ours leads to halves', () => {
    const data = [{ line_number: 1, original_line: 'other', error_message: 'wrong' }]
    const body = JSON.stringify({ error: 'partial write of line protocol occurred', data })
    expect(decision(responseTo(400, body, {}, { dialect: 'influxdb-3' }))).toBe('some refused')
  })
})

describe('an answer to a write', () => {
  it('of 413 means too many lines', () => {
    expect(responseTo(413)).toEqual({ act: 'too-large' })
  })

  it.each([201, 400, 422])('of %i means that some line is bad, with the reason of the database', status => {
    expect(responseTo(status, '{"code":"invalid","message":"partial write: bad dropped=1"}')).toEqual({
      act: 'refused',
      lines: { which: 'some', code: 'refused', reason: 'partial write: bad' },
    })
  })

  it('that counts as many dropped as were sent means that all lines are bad', () => {
    expect(decision(responseTo(400, '{"error":"partial write: points beyond retention policy dropped=2"}'))).toBe(
      'oldest 2 retention',
    )
    expect(decision(responseTo(400, '{"error":"partial write: field type conflict dropped=2"}'))).toBe('all type')
    expect(decision(responseTo(400, '{"error":"unable to parse \'m dropped=2\': bad"}'))).toBe('some refused')
  })

  it('that names every bad line of thousands is read to its end', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => `m,device=sensor\\ ${i} v=${i % 2 === 0 ? 1 : ''} ${i}`)
    const bad = many.filter((_, i) => i % 2 === 1)
    const message = bad.map(line => `unable to parse '${line}': missing field value`).join('\n')
    const response = responseTo(400, JSON.stringify({ code: 'invalid', message }), {}, { lines: many })
    expect(response.act === 'refused' && response.lines.which === 'named' && response.lines.named.size).toBe(2_500)
  })

  it('that lists lines is believed where the lines are ours', () => {
    const body = (line_number: number, original_line: string) =>
      JSON.stringify({ error: 'partial write', data: [{ line_number, original_line, error_message: 'wrong type' }] })
    expect(decision(responseTo(400, body(2, 'm v="x" 2')))).toBe('lines 2 refused')
    expect(decision(responseTo(400, body(1, 'm v="x" 2')))).toBe('some refused')
    expect(decision(responseTo(400, body(9, 'm v="x" 2')))).toBe('some refused')
  })

  it.each([408, 425, 429, 500, 502, 503, 504])('of %i means to send the same again', status => {
    expect(responseTo(status)).toMatchObject({ act: 'wait', afterMs: undefined, fewer: false })
  })

  it('of 500 for a timeout means fewer lines if it happens again', () => {
    const body = '{"code":"internal error","message":"unexpected error writing points to database: timeout"}'
    expect(responseTo(500, body)).toMatchObject({ act: 'wait', fewer: true })
  })

  it.each([
    [401, 'sink-denied'],
    [403, 'sink-denied'],
    [404, 'sink-missing'],
    [405, 'sink-refuses'],
    [301, 'sink-refuses'],
  ])('of %i stops the sink for good', (status, code) => {
    expect(responseTo(status, '{"error":"why"}')).toMatchObject({ failure: { code, retry: 'never', reach: 'sink' } })
  })

  it('names the organization where that is wrong', () => {
    const stop = responseTo(404, '{"code":"not found","message":"organization name \\"nope\\" not found"}')
    expect(stop.act === 'stop' && stop.failure.advice).toMatch(/organization/)
  })

  it('that does not come means to wait, except for a certificate', () => {
    const silence = (code: string) =>
      writeResponse({ status: undefined, code, detail: 'x' }, { dialect: 'influxdb-1', endpoint, lines, now: 0 })
    expect(silence('ECONNREFUSED')).toMatchObject({ act: 'wait', fewer: false })
    for (const code of ['TIMEOUT', 'ECONNRESET', 'CUT'])
      expect(silence(code)).toMatchObject({ act: 'wait', fewer: true })
    expect(silence('CERT_HAS_EXPIRED')).toMatchObject({ act: 'stop', failure: { code: 'sink-tls' } })
  })
})
