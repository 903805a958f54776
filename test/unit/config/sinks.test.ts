import { expect, test } from 'vitest'
import { load } from './config-folder.ts'

test('a suitcase is a sink too', () => {
  const minimal = 'gateways: { a: { url: "https://a", username: u, password: p, datapoints: [a/b/0/c] } }'
  expect(load(`${minimal}\nsink: { file: { path: /media/stick } }`).sink).toEqual({
    kind: 'file',
    path: '/media/stick',
  })
  expect(() => load(`${minimal}\nsink: { file: {} }`)).toThrow(/"path" is missing/)
})
