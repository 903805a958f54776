import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runs } from '../../support/runs.ts'
import { loadError } from './config-folder.ts'

const secret = fc.stringMatching(/^[A-Za-z0-9!%&()+,./:;<=>?@^_|~#$ -]{6,20}$/).map(text => `Zq${text.trim()}7x`)

/** A secret in every place, and mistakes all around. */
const places = (text: string): Record<string, string> => ({
  url: `https://u:${text.replace(/[^a-zA-Z0-9]/g, '')}@192.0.2.10`,
  username: text,
  password: text,
  token: text,
  name: text,
  duration: text,
  path: text,
})

const everywhere = `gateways:
  a:
    url: \${url}
    username: \${username}
    password: { file: "\${path}", fil: x }
    tls: { ca: "\${path}", fingerprint256: "\${name}", verify: "\${name}" }
    limits: { sockets: "\${name}", pause: "\${duration}" }
    datapoints:
      - \${name}
      - { device: "\${name}", index: "\${name}", tags: { x: "\${name}\\\\" }, field: "_\${name}" }
      - { device: { id: "\${name}", as: "\${name}" } }
      - { device: "\${name}" }
  b: { url: "\${url}", username: "\${username}", password: "\${password}", datapoints: ["\${name}", "\${name}"] }
sink: { influxdb: { version: "\${name}", url: "\${url}", token: { file: "\${token}" } } }
requests: { per: "\${name}", entries: "\${name}" }
sync: { every: "\${duration}" }
ledger: "\${path}\\u0001"
`

describe('no error shows', () => {
  test('what came from the environment', () => {
    fc.assert(
      fc.property(secret, text => {
        const shown = loadError(everywhere, places(text))
        expect(shown.split('\n').length).toBeGreaterThan(30)
        expect(shown).not.toContain(text)
        expect(shown).not.toContain(text.replace(/[^a-zA-Z0-9]/g, ''))
      }),
    )
  })

  test('a secret that is written in the file beside a mistake', () => {
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom('password', 'pasword', 'Password', 'passwd', 'token', 'tokn', 'pwd'),
        fc.constantFrom("'", '"'),
        (text, key, quote) => {
          const quoted = `${quote}${text}${quote}`
          for (const file of [
            `gateways: { a: { url: x, ${key}: ${quoted}, unknown: 1 } }`,
            `gateways:\n  a:\n    ${key}: ${quoted}\n    ${key}: ${quoted}`,
            `gateways: { a: { ${key}: ${quoted} unknown: 1`,
            `gateways:\n  a:\n    ${key}: ${quote}${text}\n    x: 1`,
            `gateways:\n  a:\n    ${key}: @${text}\n  - ${key}: *${text.replaceAll(' ', '')}\n`,
            `gateways:\n  a:\n    ${key}: [${text}\n   b: }`,
            `gateways:\n  ${key}: !${text.replace(/[^a-z]/gi, '')} 5\n`,
          ])
            expect(loadError(file)).not.toContain(text)
        },
      ),
    )
  })

  test('a secret without the quotes that it needs', () => {
    fc.assert(
      fc.property(secret, fc.constantFrom('password', 'pasword', 'token'), (text, key) => {
        for (const sign of ['&', '!', '*', '“', '– ', 'x #', 'x,#', 'x, ']) {
          const plain = `${sign}${text.replace(/[^\w#,]/g, '')}`
          for (const file of [
            `gateways:\n  a:\n    ${key}: ${plain}\n    url: 1\n`,
            `gateways:\n  a:\n    ${key}: ${plain},\n    url: 1\n`,
            `gateways: { a: { ${key}: ${plain}, url: 1 } }`,
            `gateways: { a: { ${key}: "x"${plain}, url: 1 } }`,
          ])
            for (const part of plain.split(/[^\w]+/).filter(it => it.length > 3))
              expect(loadError(file), file).not.toContain(part)
        }
      }),
      { numRuns: runs(20) },
    )
  })

  test('the login inside an address', () => {
    expect(loadError('gateways: { a: { url: "https://admin:hunter2@192.0.2.10" } }')).not.toMatch(/admin|hunter2/)
  })

  test('what a secret file holds', () => {
    const text = 'gateways: { a: { url: x, username: { file: s }, password: { file: s }, tls: { ca: s } } }'
    expect(loadError(text, {}, { s: 'hunter2\n' })).not.toContain('hunter2')
  })
})
