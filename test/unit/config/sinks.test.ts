import { expect, test } from 'vitest'
import { load } from './config-folder.ts'

test('a bundle is a sink too', () => {
  const minimal = 'gateways: { a: { url: "https://a", username: u, password: p, datapoints: [a/b/0/c] } }'
  expect(load(`${minimal}\nsink: { bundle: { path: /media/stick } }`).sink).toEqual({
    kind: 'bundle',
    path: '/media/stick',
  })
  expect(() => load(`${minimal}\nsink: { bundle: {} }`)).toThrow(/"path" is missing/)
})
