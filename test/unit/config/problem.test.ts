import { describe, expect, test } from 'vitest'
import { loadError } from './config-folder.ts'

const head = `gateways:
  plant-a:
    url: https://192.0.2.10
    username: u
    password: p
`
const whole = `${head}    datapoints: [a/b/0/c]\n`

/** Rest of a config whose first five lines are right, and the error as people see it. */
const cases: Record<string, [rest: string, error: string]> = {
  'a missing option is shown at its section': [
    '    limits: {}\n',
    `c.yaml:2:3: "datapoints" is missing
    plant-a:
    ^^^^^^^`,
  ],
  'an unknown key is shown with the one that was probably meant': [
    '    datapoints: [a/b/0/c]\n    limits: { sokets: 1 }\n',
    `c.yaml:7:15: unknown key "sokets": did you mean "sockets"?
      limits: { sokets: 1 }
                ^^^^^^`,
  ],
  'an unknown key that is like none is shown with all that are known': [
    '    datapoints: [a/b/0/c]\nsync: { xyz: 1 }\n',
    `c.yaml:7:9: unknown key "xyz"; known here: every, settle, lateness, since, verify
  sync: { xyz: 1 }
          ^^^`,
  ],
  'a value of another kind': [
    '    datapoints: [a/b/0/c]\n    limits: none\n',
    `c.yaml:7:13: expected a map (key: value), got text
      limits: none
              ^^^^`,
  ],
  'a number where text belongs': [
    '    datapoints: [{ block: 7 }]\n',
    `c.yaml:6:27: expected text, got a number: put it in quotes
      datapoints: [{ block: 7 }]
                            ^`,
  ],
  'a number out of its range': [
    '    datapoints: [a/b/0/c]\n    limits: { sockets: 9 }\n',
    `c.yaml:7:24: must be at most 8
      limits: { sockets: 9 }
                         ^`,
  ],
  'a number with a fraction': [
    '    datapoints: [a/b/0/c]\n    limits: { sockets: 1.5 }\n',
    `c.yaml:7:24: expected a whole number, got a number
      limits: { sockets: 1.5 }
                         ^^^`,
  ],
  'a duration out of its range': [
    '    datapoints: [a/b/0/c]\nsync: { every: 500ms }\n',
    `c.yaml:7:16: must be from 1s to 7d
  sync: { every: 500ms }
                 ^^^^^`,
  ],
  'a duration without a unit': [
    '    datapoints: [a/b/0/c]\nsync: { every: 5 }\n',
    `c.yaml:7:16: expected a duration such as 500ms, 5m, 90d or 1h30m
  sync: { every: 5 }
                 ^`,
  ],
  'a word that is none of those allowed': [
    '    datapoints: [a/b/0/c]\nrequests: { order: random }\n',
    `c.yaml:7:20: expected oldest or newest or rescue
  requests: { order: random }
                     ^^^^^^`,
  ],
  'a key given twice': [
    '    datapoints: [a/b/0/c]\n    url: https://192.0.2.11\n',
    `c.yaml:7:5: duplicate key
      url: https://192.0.2.11
      ^^^`,
  ],
  'a variable that is not set': [
    '    datapoints: ["a/${NOPE}/0/c"]\n',
    `c.yaml:6:21: the environment variable NOPE is not set
      datapoints: ["a/\${NOPE}/0/c"]
                      ^^^^^^^`,
  ],
  'a reference that is not closed': [
    '    datapoints: [a/b/0/c]\nledger: $$/${HOME\n',
    `c.yaml:7:12: expected \${NAME} or \${NAME:-default}; a plain $ is written $$
  ledger: $$/\${HOME
             ^^^^^^`,
  ],
  'a datapoint with too few parts': [
    '    datapoints:\n      - a/b/c\n',
    `c.yaml:7:9: expected device/block/index/datapoint, four parts with * for any, got 3; a name that holds a slash needs the form { device: …, block: …, index: …, datapoint: … }
        - a/b/c
          ^^^^^`,
  ],
  'a datapoint with an empty part': [
    '    datapoints:\n      - a//0/c\n',
    `c.yaml:7:9: the block is empty: write * for any
        - a//0/c
          ^^^^^^`,
  ],
  'a datapoint whose index is no number': [
    '    datapoints:\n      - a/b/x/c\n',
    `c.yaml:7:9: the third part, the block index, must be a whole number or *
        - a/b/x/c
          ^^^^^^^`,
  ],
  'a mistake inside the map of a datapoint': [
    '    datapoints:\n      - device: { id: 5, name: x }\n',
    `c.yaml:7:9: "as" is missing
        - device: { id: 5, name: x }
          ^^^^^^
c.yaml:7:26: unknown key "name"; known here: id, as
        - device: { id: 5, name: x }
                           ^^^^`,
  ],
  'the same datapoints twice': [
    '    datapoints:\n      - a/b/0/c\n      - { datapoint: c, index: "0", device: a, block: b }\n',
    `c.yaml:8:9: the same as number 1 of this list
        - { datapoint: c, index: "0", device: a, block: b }
          ^`,
  ],
  'two devices under one name': [
    '    datapoints:\n      - a/b/0/c\n      - { device: { id: 5, as: a }, block: x }\n',
    `c.yaml:8:9: another device has this name already: their points would be one series
        - { device: { id: 5, as: a }, block: x }
          ^`,
  ],
  'one device under two names': [
    '    datapoints:\n      - { device: { id: 5, as: a } }\n      - { device: { id: 5, as: b }, block: x }\n',
    `c.yaml:8:9: this device has another name above: give it one
        - { device: { id: 5, as: b }, block: x }
          ^`,
  ],
  'a tag that every point has already': [
    '    datapoints:\n      - { tags: { device: x } }\n',
    `c.yaml:7:19: must be none of gateway, device, block, index, datapoint, time
        - { tags: { device: x } }
                    ^^^^^^`,
  ],
  'a tag that InfluxDB cannot store': [
    "    datapoints:\n      - { tags: { path: 'C:\\' } }\n",
    `c.yaml:7:25: must not end in a backslash
        - { tags: { path: 'C:\\' } }
                          ^^^^^`,
  ],
  'a field with the name of a tag': [
    '    datapoints:\n      - { field: kw, tags: { kw: x } }\n',
    `c.yaml:7:18: a tag has this name already
        - { field: kw, tags: { kw: x } }
                   ^^`,
  ],
  'a tag with the name of a field': [
    '    datapoints:\n      - { tags: { value: x } }\n',
    `c.yaml:7:26: a field of its points has this name
        - { tags: { value: x } }
                           ^`,
  ],
  'two ways of trust': [
    '    datapoints: [a/b/0/c]\n    tls: { verify: false, ca: c.yaml }\n',
    `c.yaml:7:20: contradicts ca: give one of the two
      tls: { verify: false, ca: c.yaml }
                     ^^^^^
c.yaml:7:31: the file holds no PEM certificate that can be read: c.yaml
      tls: { verify: false, ca: c.yaml }
                                ^^^^^^`,
  ],
  'a certificate file that is not there': [
    '    datapoints: [a/b/0/c]\n    tls: { ca: no.pem }\n',
    `c.yaml:7:16: there is no such file: no.pem
      tls: { ca: no.pem }
                 ^^^^^^`,
  ],
  'a certificate file that is none': [
    '    datapoints: [a/b/0/c]\n    tls: { ca: c.yaml }\n',
    `c.yaml:7:16: the file holds no PEM certificate that can be read: c.yaml
      tls: { ca: c.yaml }
                 ^^^^^^`,
  ],
  'two gateways at one address': [
    '    datapoints: [a/b/0/c]\n  b: { url: https://192.0.2.10:443/, username: u, password: p, datapoints: [a/b/0/c] }\n',
    `c.yaml:7:13: plant-a has this address already
    b: { url: https://192.0.2.10:443/, username: u, password: •••, datapoints: [a/b/0/c] }
              ^^^^^^^^^^^^^^^^^^^^^^^`,
  ],
  'a gateway name that cannot be one': [
    '    datapoints: [a/b/0/c]\n  b c: { url: https://b, username: u, password: p, datapoints: [a/b/0/c] }\n',
    `c.yaml:7:3: a gateway name has 1 to 63 letters, digits, dots, dashes or underscores, and begins with a letter or digit
    b c: { url: https://b, username: u, password: •••, datapoints: [a/b/0/c] }
    ^^^`,
  ],
  'two sinks': [
    '    datapoints: [a/b/0/c]\nsink:\n  sqlite: {}\n  influxdb: { version: 1, url: http://db, database: d }\n',
    `c.yaml:8:3: one sink only: influxdb, sqlite or bundle
    sqlite: {}
    ^^^^^^`,
  ],
  'options of the other version of InfluxDB': [
    '    datapoints: [a/b/0/c]\nsink:\n  influxdb: { url: http://db, database: d }\n',
    `c.yaml:8:41: belongs to version: 1 or 3, but this is version: 2
    influxdb: { url: http://db, database: d }
                                          ^`,
  ],
  'what a version of InfluxDB needs': [
    '    datapoints: [a/b/0/c]\nsink:\n  influxdb: { url: http://db, bucket: b }\n',
    `c.yaml:8:3: "org" is missing (version 2 needs it)
    influxdb: { url: http://db, bucket: b }
    ^^^^^^^^`,
  ],
  'a login without its other half': [
    '    datapoints: [a/b/0/c]\nsink:\n  influxdb: { version: 1, url: http://db, database: d, username: u }\n',
    `c.yaml:8:66: needs a password beside it
    influxdb: { version: 1, url: http://db, database: d, username: u }
                                                                   ^`,
  ],
  'ranges in the wrong order, pointing at what is in the file': [
    '    datapoints: [a/b/0/c]\nrequests: { longest: 1m, shortest: 1h }\nsync: { lateness: 1m }\n',
    `c.yaml:7:36: shortest must not exceed longest
  requests: { longest: 1m, shortest: 1h }
                                     ^^
c.yaml:8:19: settle must not exceed lateness
  sync: { lateness: 1m }
                    ^^`,
  ],
  'a ledger in the file of the sink': [
    '    datapoints: [a/b/0/c]\nledger: data/../data/points.db\n',
    `c.yaml:7:9: must be another file than the sink
  ledger: data/../data/points.db
          ^^^^^^^^^^^^^^^^^^^^^^`,
  ],
  'YAML that does not hold together': [
    '    datapoints: [a/b/0/c\n    limits: {}\n',
    `c.yaml:7:5: a [ or { is not closed before this line, or the indentation is wrong
      limits: {}
      ^`,
  ],
  'an alias of nothing': [
    '    datapoints: *none\n',
    `c.yaml:6:17: * begins an alias in YAML, and no anchor has this name: put text such as "*/*/*/*" in quotes
      datapoints: *none
                  ^^^^^`,
  ],
}

describe('a config error shows the spot', () => {
  test.for(Object.entries(cases))('%s', ([, [rest, error]]) => {
    expect(loadError(head + rest)).toBe(error)
  })

  test('in a file that is empty', () => {
    expect(loadError('')).toBe('c.yaml:1:1: "gateways" is missing\n  \n  ^')
  })

  test('behind tabs and in lines that end in CR LF', () => {
    expect(loadError(`${whole.replaceAll('\n', '\r\n')}sync:\t{ every: x }\r\n`)).toBe(
      'c.yaml:7:16: expected a duration such as 500ms, 5m, 90d or 1h30m (units w, d, h, m, s, ms)\n' +
        '  sync:\t{ every: x }\n' +
        '       \t         ^',
    )
  })

  test('all at once, in the order of the file, each one once', () => {
    const text = `gateways:
  a: &a
    url: http://192.0.2.10
    username: { file: no-user }
    password: \${NO_PASSWORD}
    datapoints: [1, a/b/c/d]
  b: *a
sink: 7
unknown: 1
`
    expect(loadError(text).match(/^c\.yaml:\d+:\d+/gm)).toEqual([
      'c.yaml:3:10',
      'c.yaml:4:23',
      'c.yaml:5:15',
      'c.yaml:6:18',
      'c.yaml:6:21',
      'c.yaml:8:7',
      'c.yaml:9:1',
    ])
  })

  test('and says so when there is no file', async () => {
    const { loadConfig } = await import('../../../src/config/load.ts')
    expect(() => loadConfig('/nowhere/c.yaml', {})).toThrow('/nowhere/c.yaml: there is no such file')
  })

  test('of an alias inside of what it names, and of one that unfolds without end', () => {
    expect(loadError(`${whole}sync: &s { every: *s }`)).toContain('c.yaml:7:19: an alias must not stand inside')
    const bomb = Array.from({ length: 9 }, (_, i) => `  a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')
    expect(loadError(`${whole}bomb:\n  a0: &a0 [x]\n${bomb}`)).toContain('more than 10000 aliases')
  })
})
