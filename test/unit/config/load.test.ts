import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findConfig, loadConfig } from '../../../src/config/load.ts'
import { selectorKey } from '../../../src/domain/datapoint.ts'
import { certificateFor } from '../../support/certificates.ts'
import { configFolder, load, loadError } from './config-folder.ts'

const gateway = `
    url: https://192.0.2.10
    username: u
    password: p
    datapoints: [a/b/0/c]`

const minimal = `gateways:\n  plant-a:${gateway}\n`

describe('a config file', () => {
  test('needs no more than a gateway: all else has defaults', () => {
    using folder = configFolder({ 'c.yaml': minimal })
    expect(loadConfig(join(folder.path, 'c.yaml'), {})).toEqual({
      gateways: [
        {
          name: 'plant-a',
          url: 'https://192.0.2.10',
          username: 'u',
          password: 'p',
          tls: { kind: 'system' },
          limits: {
            sockets: 1,
            pause: 500,
            requestsPerMinute: 60,
            patience: 1_800_000,
            pauseAboveCpu: 85,
            zone: 'UTC',
          },
          idleTimeout: 120_000,
          generalSocket: true,
          datapoints: [
            {
              selector: { device: { name: 'a' }, block: 'b', index: 0, point: { name: 'c' } },
              measurement: 'datalog',
              field: undefined,
              tags: {},
            },
          ],
        },
      ],
      sink: { kind: 'sqlite', path: join(folder.path, 'data/points.db'), mode: undefined },
      ledger: join(folder.path, 'data/ledger.db'),
      deadLetters: { path: join(folder.path, 'data/dead-letters'), maxSize: 1e9 },
      requests: { per: 'auto', entries: 50_000, shortest: 60_000, longest: 2_592_000_000, order: 'oldest' },
      sync: { every: 300_000, settle: 120_000, lateness: 3_600_000, since: 7_776_000_000, verify: 'daily' },
      metrics: {},
      warnings: [],
    })
  })

  test('may leave sections and options empty, as when all their lines are commented out', () => {
    const config = load(`${minimal}    limits:\n    tls: {ca: }\nsink:\n  sqlite:\nsync:\n  every:\n`)
    expect(config.gateways[0]?.limits.sockets).toBe(1)
    expect(config.sink.kind).toBe('sqlite')
    expect(config.sync.every).toBe(300_000)
  })

  test('in a folder named config belongs to the folder above it', () => {
    using folder = configFolder({ 'config/c.yaml': `${minimal}sink: { sqlite: { path: /srv/points.db } }` })
    const config = loadConfig(join(folder.path, 'config/c.yaml'), {})
    expect(config.ledger).toBe(join(folder.path, 'data/ledger.db'))
    expect(config.sink).toEqual({ kind: 'sqlite', path: '/srv/points.db', mode: undefined })
  })

  test('may share text by anchor and alias', () => {
    const other = gateway.replace('.10', '.11').replace('password: p', 'password: *pw')
    const config = load(`gateways:\n  a:${gateway.replace('password: p', 'password: &pw p')}\n  b:${other}\n`)
    expect(config.gateways[1]?.password).toBe('p')
  })

  test('is found in the folder, else in its config folder', () => {
    using both = configFolder({ 'smartserver-etl.yaml': '', 'config/smartserver-etl.yaml': '' })
    using one = configFolder({ 'config/smartserver-etl.yaml': '' })
    using none = configFolder({})
    expect(findConfig(both.path)).toBe(join(both.path, 'smartserver-etl.yaml'))
    expect(findConfig(one.path)).toBe(join(one.path, 'config/smartserver-etl.yaml'))
    expect(findConfig(none.path)).toBeUndefined()
  })
})

describe('the environment', () => {
  test('fills any text, with defaults, and is never read as YAML', () => {
    const env = { HOST: '192.0.2.7', PASS: 'a: {b} # $X ${Y} - c', EMPTY: '' }
    const text = minimal
      .replace('192.0.2.10', '${HOST}:${PORT:-8443}')
      .replace('username: u', "username: '${EMPTY:-ad$$min}'")
      .replace('password: p', 'password: ${PASS}')
    expect(load(text, env).gateways[0]).toMatchObject({
      url: 'https://192.0.2.7:8443',
      username: 'ad$min',
      password: env.PASS,
    })
  })

  test('gives numbers, durations and switches too', () => {
    const text = `${minimal}    limits: { sockets: "\${N}", pause: "\${N}s" }
    tls: { verify: "\${OFF}" }
sink: { influxdb: { version: "\${ONE}", url: "http://localhost:8086/db/", database: d } }`
    const config = load(text, { N: '2', OFF: 'false', ONE: '1' })
    expect(config.gateways[0]).toMatchObject({ limits: { sockets: 2, pause: 2000 }, tls: { kind: 'none' } })
    expect(config.sink).toEqual({
      kind: 'influxdb',
      version: 1,
      url: 'http://localhost:8086/db',
      timeout: 30_000,
      database: 'd',
    })
  })
})

describe('the CPU above which a gateway is left alone', () => {
  const pauseAboveCpu = (text: string, env = {}) =>
    load(`${minimal}    limits: { pauseAboveCpu: ${text} }`, env).gateways[0]?.limits.pauseAboveCpu

  test('is a per cent, or off', () => {
    expect(pauseAboveCpu('60')).toBe(60)
    expect(pauseAboveCpu('"${CPU}"', { CPU: '70' })).toBe(70)
    expect(pauseAboveCpu('off')).toBeUndefined()
  })

  test('is refused where it is neither', () => {
    for (const text of ['0', '101', '85.5', 'never']) expect(() => pauseAboveCpu(text)).toThrow()
  })
})

describe('secret files', () => {
  const text = minimal.replace('password: p', 'password: { file: pw }').replace('username: u', 'username: { file: u }')

  test('lose one newline at their end and nothing else', () => {
    const { gateways } = load(text, {}, { pw: 's3 cret\n', u: 'admin\r\n' })
    expect(gateways[0]).toMatchObject({ username: 'admin', password: 's3 cret' })
  })

  test.each([
    ['\ufeffs3cret', 'begins with a byte order mark'],
    ['s3cret\n\n', 'has more than one line'],
    ['s3cret\r\r\n', 'holds a carriage return'],
    ['s3cret \n', 'ends in a blank'],
    ['s3cret\u00a0', 'ends in a blank'],
    [' s3cret', 'begins with a blank'],
    ['s3\u0000cret', 'holds a control character'],
    [Buffer.from('\ufeffs3cret', 'utf16le'), 'this is UTF-16'],
    [Buffer.from('s3crét', 'latin1'), 'not UTF-8'],
  ])('that would be rejected with %j are refused before they are sent', (content, message) => {
    const error = loadError(text, {}, { pw: content, u: 'admin' })
    expect(error).toContain('c.yaml:5:23: ')
    expect(error).toContain(message)
    expect(error).not.toContain('3cr')
  })

  test('and variables too', () => {
    const fromEnvironment = minimal.replace('password: p', 'password: "${PASS}"')
    for (const value of ['s3cret\r', 's3cret ', ' s3cret', 's3cret\n', '\ufeffs3cret', 's3\ufffdcret']) {
      const error = loadError(fromEnvironment, { PASS: value })
      expect(error).toMatch(/^c\.yaml:5:15: the text /)
      expect(error).not.toContain('3cr')
    }
    // what stands in quotes in the file is meant as it is
    expect(load(minimal.replace('password: p', "password: ' p '")).gateways[0]?.password).toBe(' p ')
  })

  test('hold the token of InfluxDB', () => {
    const sink = 'sink: { influxdb: { url: https://db, org: o, bucket: b, token: { file: t } } }'
    expect(load(minimal + sink, {}, { t: 'abc\n' }).sink).toMatchObject({
      version: 2,
      token: 'abc',
      org: 'o',
      bucket: 'b',
    })
  })
})

describe('a datapoint', () => {
  const datapoint = (text: string) => load(minimal.replace('[a/b/0/c]', `[${text}]`)).gateways[0]!.datapoints[0]!

  test('given as text or as a map is the same', () => {
    for (const [text, map] of [
      ['"Meter 3/EnergyMeter/0/nvoPower"', '{ device: Meter 3, block: EnergyMeter, index: 0, datapoint: nvoPower }'],
      ['" Pump 7 /*/*/*"', '{ device: " Pump 7 " }'],
      ['"*/*/*/*"', '{ device: "*", block: "*", index: "*", datapoint: "*" }'],
      ['"*/Meter/12/*"', '{ block: Meter, index: "12" }'],
    ] as const)
      expect(datapoint(text)).toEqual(datapoint(map))
  })

  test('may be named by the id of its device and its XIF name', () => {
    expect(datapoint('{ device: { id: 5, as: Meter 3 }, datapoint: { xif: nvo/P } }').selector).toEqual({
      device: { id: '5', as: 'Meter 3' },
      point: { xif: 'nvo/P' },
    })
  })

  test('keeps slashes and stars inside the names of a map', () => {
    expect(selectorKey(datapoint('{ device: "a/b", datapoint: "x*" }').selector)).toBe('a%2Fb/*/*/x%2A')
  })

  test('may have a measurement, a field, and tags of text or whole numbers', () => {
    expect(datapoint('{ measurement: power, field: kw, tags: { building: North, floor: 3 } }')).toEqual({
      selector: {},
      measurement: 'power',
      field: 'kw',
      tags: { building: 'North', floor: '3' },
    })
  })
})

describe('what becomes of the values of a datapoint', () => {
  const long = (options: string, env = {}) => {
    const text = minimal.replace('[a/b/0/c]', `[{ device: a, ${options} }]`)
    return load(text, env).gateways[0]?.datapoints[0]
  }

  test('is as it was logged where nothing is said', () => {
    expect(long('block: b')).toEqual({
      selector: { device: { name: 'a' }, block: 'b' },
      measurement: 'datalog',
      field: undefined,
      tags: {},
    })
  })

  test('may be scaled, shifted, blanked, numbered, shown as people see it, and of one kind', () => {
    const options =
      'scale: 0.001, offset: -273.15, invalid: [327.67, -1], enumeration: { OFF: 0, ON: 1 }, localized: true, health: true, type: structure'
    expect(long(options)).toMatchObject({
      scale: 0.001,
      offset: -273.15,
      invalid: [327.67, -1],
      enumeration: { OFF: 0, ON: 1 },
      localized: true,
      health: true,
      type: 'structure',
    })
  })

  test('may come from the environment, and a single invalid number needs no list', () => {
    expect(long('invalid: "${NONE}", scale: "${SCALE}"', { NONE: '-1', SCALE: '0.5' })).toMatchObject({
      invalid: [-1],
      scale: 0.5,
    })
  })

  test('may take texts, NaN and infinities for no value', () => {
    expect(long('invalid: [unavailable, "", NaN, .nan, -.inf, "-1"]')).toMatchObject({
      invalid: ['unavailable', '', 'NaN', 'NaN', '-Infinity', -1],
    })
  })

  test('is refused where it makes no sense', () => {
    for (const options of [
      'invalid: [true]',
      'scale: 0',
      'scale: .inf',
      'offset: a',
      'invalid: []',
      'enumeration: { a: b }',
      'type: float',
    ])
      expect(() => long(options), options).toThrow()
  })
})

describe('the size of the dead letters', () => {
  const maxSize = (text: string) => load(`${minimal}deadLetters: { path: /letters, maxSize: ${text} }`).deadLetters

  test('is given in bytes with a unit', () => {
    expect(maxSize('250MB')).toEqual({ path: '/letters', maxSize: 250_000_000 })
    expect(maxSize('1.5 GB').maxSize).toBe(1_500_000_000)
  })

  test('is refused without a unit, or where hardly one would fit', () => {
    for (const text of ['1000000', '10KB', 'lots']) expect(() => maxSize(text), text).toThrow()
  })
})

describe('where metrics are shown', () => {
  const listen = (text: string) => load(`${minimal}metrics: { listen: "${text}" }`).metrics.listen

  test.each([
    ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
    ['monitoring.local:9464', { host: 'monitoring.local', port: 9464 }],
  ])('%s', (text, address) => {
    expect(listen(text)).toEqual(address)
  })

  test.each([
    '9464',
    ':9464',
    '127.0.0.1',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '::1:80',
    'http://a:1',
    'a:1/metrics',
  ])('is host and port: %s is refused', text =>
    expect(() => listen(text)).toThrow(/host and port such as 127\.0\.0\.1:9464/))
})

describe('the way to an InfluxDB', () => {
  const sink = (options: string) =>
    load(`${minimal}sink: { influxdb: { version: 1, url: "http://db", database: d, ${options} } }`).sink

  test('may lead over a proxy, to a server that does not tell what it is', () => {
    expect(sink('proxy: "http://proxy:3128/", server: victoria-metrics')).toMatchObject({
      proxy: 'http://proxy:3128',
      server: 'victoria-metrics',
    })
  })

  test('never holds a login for the proxy, nor an unknown server', () => {
    for (const options of ['proxy: "http://a:b@proxy"', 'proxy: "https://proxy"', 'proxy: proxy', 'server: mysql'])
      expect(() => sink(options), options).toThrow()
  })
})

describe('the certificate of a gateway', () => {
  test('may be named by its fingerprint in any usual form', () => {
    const pairs = Array.from({ length: 32 }, (_, i) => (i * 7).toString(16).padStart(2, '0'))
    const normal = pairs.join(':').toUpperCase()
    for (const text of [normal, pairs.join(''), pairs.join(' ')])
      expect(load(`${minimal}    tls: { fingerprint256: "${text}" }`).gateways[0]?.tls).toEqual({
        kind: 'fingerprint',
        fingerprint256: normal,
      })
  })

  test('may be proven by an authority, as that of the database may', () => {
    const { cert } = certificateFor('plant-a')
    const text = `${minimal}    tls: { ca: certs/a.pem, verify: true }
sink: { influxdb: { version: 1, url: "https://db", database: d, ca: certs/a.pem } }`
    const config = load(text, {}, { 'certs/a.pem': cert })
    expect(config.gateways[0]?.tls).toEqual({ kind: 'authority', ca: cert })
    expect(config.sink).toMatchObject({ ca: cert })
  })
})
