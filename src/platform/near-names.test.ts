// Which name was meant.
import { expect, test } from 'vitest'
import { namesHint, nearName } from './near-names.ts'

test('a name typed wrong is the one that differs least, and one that is far off is none', () => {
  const known = ['flights', 'people', 'orders', 'orders-2']
  expect(nearName('flihgts', known)).toBe('flights')
  expect(nearName('Order', known)).toBe('orders')
  expect(nearName('orders-3', known)).toBe('orders-2')
  expect(nearName('x', ['id', 'y'])).toBe('y')
  expect(nearName('customers', known)).toBeUndefined()
  expect(nearName('', known)).toBeUndefined()
})

test('a hint tells what is there, a long list from its beginning', () => {
  expect(namesHint('idd', ['id', 'at'])).toBe('did you mean "id"? there are id, at')
  expect(namesHint('zzz', ['id', 'at'])).toBe('there are id, at')
  expect(namesHint('a', [])).toBe('there are none')
  const many = Array.from({ length: 30 }, (_, at) => `column${at}`)
  expect(namesHint('nothing', many)).toMatch(/^there are column0, .+, column19, … \(30\)$/v)
})
