import { describe, expect, test } from 'vitest'
import { load, loadError } from './config-folder.ts'

const head = `gateways:
  g:
    url: https://192.0.2.10
    username: u
    password: p
`
/** One datapoint with something about it, in line 7. */
const about = (text: string) => `${head}    datapoints:\n      - { device: S, ${text} }\n`
/** One item of the datapoints, in line 7. */
const item = (text: string) => `${head}    datapoints:\n      - ${text}\n`
const block = (text: string) => `${head}    datapoints:\n      - device: S\n        ${text}\n`
const more = (text: string) => `${head}    datapoints: [a/b/0/c]\n${text}\n`
const user = (text: string) => item('a/b/0/c').replace('username: u', `username: ${text}`)
const password = (text: string) => item('a/b/0/c').replace('password: p', `password: ${text}`)

/** What a person types, where it is refused, and a part of the form that is meant. */
const refused: Readonly<Record<string, [text: string, place: string, message: string]>> = {
  'a decimal comma in braces': [about('scale: 2,5'), '7:31', 'decimal numbers have a point (2.5)'],
  'a decimal comma in a line': [block('scale: 2,5'), '8:16', 'write a number as 1234.5'],
  'a decimal comma in a list': [about('invalid: [2,5]'), '7:31', 'one number or two?'],
  'a decimal comma in an enumeration': [about('enumeration: { ON: 1,5 }'), '7:43', 'decimal numbers have a point'],
  'marks between thousands': [block("scale: 1'000"), '8:16', 'write a number as 1234.5'],
  'blanks between thousands': [block('scale: 1 000'), '8:16', 'write a number as 1234.5'],
  'underscores between thousands': [block('scale: 1_000'), '8:16', 'write a number as 1234.5'],
  'a minus sign of a word processor': [block('offset: −5'), '8:17', 'U+2212'],
  'a star alone': [about('block: *'), '7:29', 'in quotes'],
  'a datapoint that begins with a star': [item('*/*/*/*'), '7:9', 'put text such as "*/*/*/*" in quotes'],
  'a colon and a blank in a name': [item('Gebäude 1: AHU/0/x/y'), '7:9', '": " makes a map'],
  'a colon and a blank in a value': [block('block: AHU: 2'), '8:16', '": " makes a map'],
  'a blank and # in a name': [item('Sensor #1/a/0/b'), '7:9', '" #" begins a comment'],
  'a blank and # in a tag': [block('tags:\n          hall: Hall #3'), '9:17', '" #" begins a comment'],
  'a blank and # in a password': [password('abc #def'), '5:15', '" #" begins a comment'],
  'two documents': [`${item('a/b/0/c')}---\nsync: {}\n`, '8:1', 'a second document begins here'],
  'more after the end of a document': [`${item('a/b/0/c')}...\nsync: {}\n`, '9:1', 'a second document begins here'],
  'a merge key': [`${item('a/b/0/c')}sync: &x { every: 1m }\nmetrics:\n  <<: *x\n`, '10:3', 'no merge keys'],
  'text that begins with &': [password('&secret'), '5:15', 'put text that begins with & in quotes'],
  'text that begins with !': [password('!secret'), '5:15', 'put text that begins with ! in quotes'],
  'text that begins with *': [password('*secret'), '5:15', 'in quotes'],
  'text that begins with @': [password('@secret'), '5:15', 'text must not begin with @: put it in quotes'],
  'text that begins with `': [password('`secret'), '5:15', 'text must not begin with `: put it in quotes'],
  'text that begins with %': [password('%secret'), '5:15', 'text must not begin with %: put it in quotes'],
  'a tag of YAML': [about('index: !!int "3"'), '7:35', 'tags (!…) are not used here'],
  'a tag of YAML at a list': [about('invalid: !!set { 1 }'), '7:37', 'tags (!…) are not used here'],
  'a tab as indentation': [more('sync:\n\tevery: 1m'), '8:1', 'a tab as indentation'],
  yes: [more('    tls: { verify: yes }'), '7:20', 'write true or false'],
  off: [more('    generalSocket: off'), '7:20', 'write true or false'],
  'an octal number': [about('index: 0o17'), '7:29', 'write it in decimal'],
  'a zero before a number': [about('index: 017'), '7:29', 'write it in decimal'],
  'a hexadecimal number': [block('index: 0x10'), '8:16', 'write it in decimal'],
  'an id with a zero before it': [item('{ device: { id: 007, as: x } }'), '7:25', 'in quotes if it is text'],
  'an id with a decimal point': [item('{ device: { id: 5.0, as: x } }'), '7:25', 'put the text in quotes'],
  'an id beyond what a number holds': [item('{ device: { id: 9007199254740993, as: x } }'), '7:25', 'in quotes'],
  'a tag that is read as another number': [about('tags: { floor: 1.0 }'), '7:37', 'put the text in quotes'],
  'a tag with an exponent': [about('tags: { room: 1e3 }'), '7:36', 'put the text in quotes'],
  'a name that is a number with an exponent': [item('{ device: 1e3 }'), '7:19', 'put it in quotes'],
  'a name that is hexadecimal': [about('datapoint: 0x10'), '7:33', 'in quotes'],
  'a name that is a fraction': [about('datapoint: .5'), '7:33', 'put it in quotes'],
  'a name that is true': [about('datapoint: true'), '7:33', 'put it in quotes'],
  'nothing as ~': [about('scale: ~'), '7:29', '~ means nothing at all'],
  'nothing as null, where a name is meant': [item('{ device: null, block: b }'), '7:19', 'null means nothing'],
  'a key without a value, which would mean any': [`${item('block: b')}        device:\n`, '8:16', 'no value: give one'],
  'an item without a value': [item(''), '7:9', 'no value'],
  'no blank after a colon in braces': [item('{ device:S, block: b }'), '7:11', 'a blank is missing after the colon'],
  'no blank after a colon in a line': [
    more('sync:\n  since: 1d\n  every:1m'),
    '9:3',
    'a blank is missing after the colon',
  ],
  'no colon': [more('sync\n  every: 1m'), '7:1', 'a key must end with a colon'],
  'a word alone in braces': [about('health'), '7:22', 'a key without a value'],
  'a duplicate key as number and text': [about('enumeration: { 1: 1, "1": 2 }'), '7:43', 'duplicate key'],
  'a Cyrillic letter in a key': [more('s\u0443nc: {}'), '7:1', '(U+0443 in place of U+0079): did you mean "sync"?'],
  'a no-break space after a colon': [block('block:\u00a0b'), '8:9', 'U+00A0'],
  'a no-break space as indentation': [more('sync:\n\u00a0\u00a0every: 1m'), '8:1', 'U+00A0'],
  'a no-break space in a name': [item('Sensor\u00a01/a/0/b'), '7:9', 'U+00A0'],
  'a zero-width space in a name': [item('Sensor\u200b1/a/0/b'), '7:9', 'U+200B'],
  'a byte order mark between two files': [more('\ufeffsync: {}'), '7:1', 'U+FEFF'],
  'quotation marks of a word processor': [about('block: “Hall 1”'), '7:29', '“ (U+201C) is no quotation mark'],
  'German quotation marks': [user('„admin“'), '4:15', 'U+201E'],
  'a dash of a word processor': [more('sync:\n  – every'), '8:3', 'U+2013'],
  'a comma at the end of a line': [user('admin,'), '4:15', 'ends in a comma'],
  'a semicolon at the end of a line': [user('admin;'), '4:15', 'ends in a semicolon'],
  'a comma too many': [item('[a,,b]'), '7:12', 'nexpected ,'],
  'text that goes on in the next line': [user('ad\n      min'), '4:15', 'this goes on in the next line'],
  'a directive': [`%YAML 1.1\n---\n${item('a/b/0/c')}`, '1:1', 'directives (%…) are not used here'],
  'a directive below a comment': [`# x\n%TAG ! y\n---\n${item('a/b/0/c')}`, '2:1', 'directives (%…)'],
  'line ends of an old Mac': [item('a/b/0/c').replaceAll('\n', '\r'), '1:10', 'a carriage return without a line feed'],
  'a control character': [block('block: "a\u0007b"'), '8:18', 'U+0007'],
  'a null character': [block('block: a\u0000b'), '8:17', 'U+0000'],
  'a sign that was lost before': [block('block: Geb\ufffdude'), '8:19', 'U+FFFD'],
  'lists in lists without end': [more(`x: ${'['.repeat(4000)}`), '7:', 'too deeply'],
  'not a number': [block('scale: .nan'), '8:16', 'NaN or infinity'],
  infinity: [block('scale: -.inf'), '8:16', 'NaN or infinity'],
  'a list of datapoints as one text': [`${head}    datapoints: a/b/0/c\n`, '6:17', 'expected a list (- item)'],
  'a quote that is not closed': [user('"admin'), '', 'quote'],
  'a secret of several lines': [password('|\n      p'), '5:15', 'more than one line'],
}

describe('what YAML allows and is not meant is refused at its place:', () => {
  test.for(Object.entries(refused))('%s', ([, [text, place, message]]) => {
    const [first] = loadError(text).split('\n')
    expect(first).toContain(`c.yaml:${place}`)
    expect(first).toContain(message)
  })

  test('each mistake is shown once', () => {
    for (const [name, [text]] of Object.entries(refused)) {
      const heads = loadError(text).match(/^c\.yaml:\d+:\d+/gm) ?? []
      expect(new Set(heads).size, name).toBe(heads.length)
    }
  })
})

test('what is meant as it stands is taken', () => {
  const config = load(`# a comment
gateways: # with a blank
  g:
    url: https://192.0.2.10 #comment
    username: O’Neil
    password: 'p #,"'
    idleTimeout: 2m #minutes
    limits: { quiet: 22:00-06:00, sockets: 2, }
    datapoints: # these
      - Gebäude 1:2/AHU#1/0/x–y
      - "*/*/*/*"
      - { device: "Sensor\u00a01", index: 0, tags: { floor: 1, hall: 'Hall #3', on: no, time of day: 12:30 } }
      - { device: { id: 5, as: 1a }, invalid: [2, 5], enumeration: { OFF: 0, 1: 1, true: 2 }, scale: .5, offset: -1e3 }
      - { device: { id: "007", as: "1.0" }, invalid: [2,5,7] }
      - 電力/👩‍👩‍👧/0/2026-01-01
    tls:
`)
  expect(config.gateways[0]).toMatchObject({ username: 'O’Neil', password: 'p #,"', idleTimeout: 120_000 })
  expect(config.gateways[0]!.datapoints.map(({ selector }) => selector.device)).toEqual([
    { name: 'Gebäude 1:2' },
    undefined,
    { name: 'Sensor\u00a01' },
    { id: '5', as: '1a' },
    { id: '007', as: '1.0' },
    { name: '電力' },
  ])
  expect(config.gateways[0]!.datapoints[2]!.tags).toEqual({
    floor: '1',
    hall: 'Hall #3',
    on: 'no',
    'time of day': '12:30',
  })
})

describe('the address', () => {
  const withUrl = (url: string) => item('a/b/0/c').replace('https://192.0.2.10', url)

  test.each([
    'https://192.168.010.020',
    'https://0x7f.1',
    'https://127.1',
    'https://2130706433',
    'https://0300.168.1.1:8443',
    'https://１９２.168.1.1',
    'https://192.168.1.1.',
  ])('%s is refused, because it is read as another one than it looks', url => {
    expect(loadError(withUrl(`"${url}"`))).toMatch(/^c\.yaml:3:10: write an IPv4 address as four decimal numbers/)
  })

  test.each([
    'https:192.0.2.1',
    'https:/192.0.2.1',
    'https:\\\\\\\\192.0.2.1',
    ' https://192.0.2.1',
    'https://a b',
    '192.0.2.1',
  ])('%s is none', url => {
    expect(loadError(withUrl(`"${url}"`))).toMatch(/^c\.yaml:3:10: expected an address such as/)
  })

  test.each([
    'https://192.0.2.1',
    'https://192.0.2.1:8443',
    'https://[2001:db8::1]',
    'https://Plant-A.example/',
  ])('%s is one', url => {
    expect(load(withUrl(url)).gateways[0]!.url).toBe(new URL(url).origin)
  })

  test('of a database and of the metrics is held to the same', () => {
    const text = `${item('a/b/0/c')}sink: { influxdb: { version: 1, url: http://127.1:8086, database: d } }\nmetrics: { listen: 0127.0.0.1:9464 }\n`
    expect(loadError(text).match(/four decimal numbers/g)).toHaveLength(2)
  })
})

describe('a file that is no UTF-8 is refused at its place:', () => {
  const text = about('tags: { building: Gebäude Süd }')

  test('Latin-1', () => {
    expect(loadError(Buffer.from(text, 'latin1'))).toMatch(/^c\.yaml:7:43: the byte 0xE4 .* is not UTF-8/)
  })

  test('UTF-16, with a byte order mark and without', () => {
    for (const it of [`\ufeff${text}`, text])
      expect(loadError(Buffer.from(it, 'utf16le'))).toMatch(/^c\.yaml:1:1: .*UTF-16/)
  })

  test('UTF-8 with a byte order mark is read, and its places are right', () => {
    expect(load(Buffer.from(`\ufeff${text}`)).gateways[0]!.datapoints[0]!.tags).toEqual({ building: 'Gebäude Süd' })
    expect(loadError(`\ufeff${text.replace('gateways', 'gateway')}`)).toMatch(/^c\.yaml:1:1: .*"gateways" is missing/s)
  })
})

test('of a long line the part around the mistake is shown', () => {
  const error = loadError(item(`a/b/0/c${'x'.repeat(5000)}\u0007${'y'.repeat(5000)}`))
  const [, line, carets] = error.split('\n')
  expect(line!.length).toBeLessThan(210)
  expect(line![carets!.indexOf('^')]).toBe('\u0007')
})

test('of many mistakes twenty are shown, and the number of the others', () => {
  const lines = loadError(item(Array.from({ length: 3000 }, (_, i) => `a${i}/b/0`).join('\n      - ')))
  expect(lines.match(/^c\.yaml:/gm)).toHaveLength(20)
  expect(lines).toMatch(/\n… and 2,980 more mistakes in this file$/)
})
