// Which endpoint answers at the root.
import { expect, test } from 'vitest'
import { rootEndpoint } from './root-endpoint.ts'

const serving = (...names: string[]) => ({ endpoints: new Map(names.map((name) => [name, `the endpoint ${name}`])) })

test('the endpoint that the setting names answers at the root, and without it the only one', () => {
  expect(rootEndpoint(serving('price', 'churn'), 'churn')).toBe('the endpoint churn')
  expect(rootEndpoint(serving('price'), undefined)).toBe('the endpoint price')
})

test('where none is meant the message says what there is and what to do', () => {
  expect(() => rootEndpoint(serving('price'), 'churn')).toThrow(
    'no endpoint "churn", which TRUELOOP_GATEWAY_ROOT_ENDPOINT',
  )
  expect(() => rootEndpoint(serving('price', 'churn'), undefined)).toThrow('serves 2 (price, churn): ask at')
  expect(() => rootEndpoint(serving(), undefined)).toThrow('serves none yet')
})
