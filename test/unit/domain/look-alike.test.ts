import { expect, test } from 'vitest'
import { hiddenDifference } from '../../../src/domain/look-alike.ts'

test.each([
  ['Gera\u0308t 1', 'Ger\u00e4t 1', 'U+0061 U+0308', 'U+00E4'],
  ['Ger\u00e4t 1', 'Gera\u0308t 1', 'U+00E4', 'U+0061 U+0308'],
  ['Sensor 1', 'Sens\u043er 1', 'U+006F', 'U+043E'],
  ['Sensor 1', 'Sensor\u00a01', 'U+0020', 'U+00A0'],
  ['Sensor 1', 'Sensor\u200b 1', 'nothing', 'U+200B'],
  ['Sensor 1 ', 'Sensor 1', 'U+0020', 'nothing'],
  ['AHU–1', 'AHU-1', 'U+2013', 'U+002D'],
  ['Мотор', 'Pump', 'U+041C U+043E U+0442 U+043E …', 'U+0050 U+0075 U+006D U+0070'],
])('%j in place of %j is shown by code points', (has, meant, shownHas, shownMeant) => {
  expect(hiddenDifference(has, meant)).toEqual({ has: shownHas, meant: shownMeant })
})

test.each([
  ['Sensr 1', 'Sensor 1'],
  ['nvoLux', 'nvoLuxLevel'],
  ['電力 1', '電力 2'],
])('%j in place of %j can be seen', (has, meant) => {
  expect(hiddenDifference(has, meant)).toBeUndefined()
})
