import { describe, expect, it } from 'vitest'
import { endpointOf } from '../../../src/sinks/influxdb/endpoint.ts'
import { interpret, retryAfterMs } from '../../../src/sinks/influxdb/write-response.ts'

const place = endpointOf({ url: 'http://localhost:8086', database: 'd', timeout: 1000 })
const lines = ['m v=1 1', 'm v="x" 2']

function verdict(status: number, body = '', headers: Record<string, string> = {}) {
  return interpret({ status, headers, body }, lines, place, 0)
}

describe('an answer to a write', () => {
  it('of 204 means done, and 413 too many lines', () => {
    expect(verdict(204)).toEqual({ act: 'done' })
    expect(verdict(413)).toEqual({ act: 'halve' })
  })

  it.each([201, 400, 422])('of %i means that some line is bad, with the reason of the database', status => {
    expect(verdict(status, '{"code":"invalid","message":"partial write: bad dropped=1"}')).toEqual({
      act: 'refused',
      code: 'refused',
      reason: 'partial write: bad',
      everyLine: false,
      oldest: undefined,
      bad: undefined,
    })
  })

  it('that counts as many dropped as were sent means that all lines are bad', () => {
    expect(verdict(400, '{"error":"partial write: points beyond retention policy dropped=2"}')).toMatchObject({
      everyLine: true,
    })
    expect(verdict(400, '{"error":"unable to parse \'m dropped=2\': bad"}')).toMatchObject({ everyLine: false })
  })

  it('that lists lines is believed where the lines are ours', () => {
    const body = (line_number: number, original_line: string) =>
      JSON.stringify({ error: 'partial write', data: [{ line_number, original_line, error_message: 'wrong type' }] })
    expect(verdict(400, body(2, 'm v="x" 2'))).toMatchObject({ bad: new Map([[1, 'wrong type']]) })
    expect(verdict(400, body(1, 'm v="x" 2'))).toMatchObject({ bad: undefined })
    expect(verdict(400, body(9, 'm v="x" 2'))).toMatchObject({ bad: undefined })
  })

  it.each([408, 425, 429, 500, 502, 503, 504])('of %i means to send the same again', status => {
    expect(verdict(status)).toMatchObject({ act: 'wait', afterMs: undefined })
  })

  it.each([
    [401, 'sink-denied'],
    [403, 'sink-denied'],
    [404, 'sink-missing'],
    [405, 'sink-refuses'],
    [301, 'sink-refuses'],
  ])('of %i stops the sink for good, with advice', (status, code) => {
    const stop = verdict(status, '{"error":"why"}')
    expect(stop).toMatchObject({ act: 'stop', failure: { code, retry: 'never', reach: 'sink' } })
    expect(stop.act === 'stop' && stop.failure.advice).toBeTruthy()
  })

  it('that does not come means to wait, except for a certificate', () => {
    const silence = (code: string) => interpret({ status: undefined, code, detail: 'x' }, lines, place, 0)
    expect(silence('ECONNREFUSED')).toMatchObject({ act: 'wait' })
    expect(silence('TIMEOUT')).toMatchObject({ act: 'wait' })
    expect(silence('CERT_HAS_EXPIRED')).toMatchObject({ act: 'stop', failure: { code: 'sink-tls' } })
  })
})

describe('Retry-After', () => {
  it('is in seconds or a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(retryAfterMs('3', now)).toBe(3000)
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:07 GMT', now)).toBe(7000)
    expect(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0)
    expect(retryAfterMs('soon', now)).toBeUndefined()
    expect(retryAfterMs(undefined, now)).toBeUndefined()
  })
})
