import { describe, expect, it } from 'vitest'
import { endpointOf, type InfluxOptions } from '../../../src/sinks/influxdb/endpoint.ts'

function place(change: Partial<InfluxOptions>) {
  return endpointOf({ url: 'http://localhost:8086', timeout: 1000, ...change })
}

describe('the id of an InfluxDB sink', () => {
  it('is the address and the database', () => {
    expect(place({ database: 'datalogs' }).id).toBe('influxdb:http://localhost:8086/datalogs')
    expect(place({ database: 'datalogs', retentionPolicy: 'year' }).id).toBe(
      'influxdb:http://localhost:8086/datalogs/year',
    )
    expect(place({ org: 'my org', bucket: 'b/1' }).id).toBe('influxdb:http://localhost:8086/my%20org/b%2F1')
  })

  it('is the same however the address is written', () => {
    const id = place({ database: 'd' }).id
    expect(place({ url: 'HTTP://LOCALHOST:8086/', database: 'd' }).id).toBe(id)
    expect(place({ url: 'https://db.example:443/influx/', database: 'd' }).id).toBe(
      'influxdb:https://db.example/influx/d',
    )
  })

  it('holds no secret, not even one in the address', () => {
    const { id, label, url } = place({
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
    expect(place({ database: 'a b', retentionPolicy: 'r' }).writePath).toBe('/write?db=a%20b&rp=r&precision=ns')
  })

  it('is that of version 2 for a bucket, and for version 3', () => {
    expect(place({ org: 'o', bucket: 'b&c' }).writePath).toBe('/api/v2/write?org=o&bucket=b%26c&precision=ns')
    expect(place({ version: 3, database: 'd' }).writePath).toBe('/api/v2/write?org=&bucket=d&precision=ns')
  })
})

describe('options without a place', () => {
  it('are refused', () => {
    expect(() => place({})).toThrow(RangeError)
    expect(() => place({ url: 'ftp://x', database: 'd' })).toThrow(RangeError)
  })
})
