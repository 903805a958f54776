import { describe, expect, it } from 'vitest'
import { type DialectName, endpointOf, type InfluxOptions, writePath } from '../../../src/sinks/influxdb/endpoint.ts'

function pathFor(change: Partial<InfluxOptions>, dialect: DialectName): string {
  return writePath(endpoint(change), dialect)
}

function endpoint(change: Partial<InfluxOptions>) {
  return endpointOf({ url: 'http://localhost:8086', timeout: 1000, ...change })
}

describe('the id of an InfluxDB sink', () => {
  it('is the address and the database', () => {
    expect(endpoint({ database: 'datalogs' }).id).toBe('influxdb:http://localhost:8086/datalogs')
    expect(endpoint({ database: 'datalogs', retentionPolicy: 'year' }).id).toBe(
      'influxdb:http://localhost:8086/datalogs/year',
    )
    expect(endpoint({ org: 'my org', bucket: 'b/1' }).id).toBe('influxdb:http://localhost:8086/my%20org/b%2F1')
  })

  it('is the same however the address is written', () => {
    const id = endpoint({ database: 'd' }).id
    expect(endpoint({ url: 'HTTP://LOCALHOST:8086/', database: 'd' }).id).toBe(id)
    expect(endpoint({ url: 'https://db.example:443/influx/', database: 'd' }).id).toBe(
      'influxdb:https://db.example/influx/d',
    )
  })

  it('holds no secret, not even one in the address', () => {
    const { id, label, url } = endpoint({
      url: 'http://me:hush@localhost:8086?token=hush',
      database: 'd',
      password: 'hush',
      token: 'hush',
    })
    expect(`${id} ${label} ${url}`).not.toContain('hush')
  })
})

describe('the path of writes', () => {
  it('is that of version 1 for a database', () => {
    expect(pathFor({ database: 'a b', retentionPolicy: 'r' }, 'influxdb-1')).toBe('/write?db=a%20b&rp=r&precision=ns')
  })

  it('is that of version 2 for a bucket', () => {
    expect(pathFor({ org: 'o', bucket: 'b&c' }, 'influxdb-2')).toBe('/api/v2/write?org=o&bucket=b%26c&precision=ns')
  })

  it.each([
    { version: 3, database: 'd' },
    { version: 1, database: 'd' },
    { org: 'o', bucket: 'd' },
  ] as const)('of InfluxDB 3 asks for a name of each bad line and for durable writes, with %o', options => {
    expect(pathFor(options, 'influxdb-3')).toBe(
      '/api/v3/write_lp?db=d&precision=nanosecond&accept_partial=true&no_sync=false',
    )
  })
})

describe('options that name no database', () => {
  it('are refused', () => {
    expect(() => endpoint({})).toThrow(RangeError)
    expect(() => endpoint({ url: 'ftp://x', database: 'd' })).toThrow(RangeError)
  })
})
