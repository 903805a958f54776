import { expect, test } from 'vitest'
import { parseSelector } from '../../../src/simulator/selectors.ts'

const subject = { id: '5', name: 'Sensor 1', xifName: 'nvoLux', empty: null }

test.each([
  ['*', true],
  ['5', true],
  ['6', false],
  ['*+name==Sensor 1', true],
  ['*+name!=Sensor 1', false],
  ['*+name=+SENSOR', true],
  ['*+name=+^meter', false],
  ['*+name!+meter', true],
  ['*+name!+sensor', false],
  ['*+name=~sor', true],
  ['*+name=-Meter 3,Sensor 1', true],
  ['*+name=-Meter 3', false],
  ['*+id<6', true],
  ['*+id<=5', true],
  ['*+id=>5', true],
  ['*+id=>6', false],
  ['*+id>5', false],
  ['*+name==Sensor 1&xifName==nvoLux', true],
  ['*+name==Sensor 1&xifName==other', false],
  ['*+empty==', false],
  ['*+unknown==5', false],
])('%s selects the subject: %s', (text, expected) => {
  expect(parseSelector(text, 'id')?.(subject)).toBe(expected)
})

test.each(['', '* name==x', '*name', '*+', '*+name', '*+==x', '*+name==x&'])('%j makes no sense', text => {
  expect(parseSelector(text, 'id')).toBeUndefined()
})
