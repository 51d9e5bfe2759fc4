// A sealed text opens with its key for its owner, and for nobody else.
import { expect, test } from 'vitest'
import { seal, sealingKey, unseal } from './sealing.ts'

const key = sealingKey('secret', 'webhooks')

test('what was sealed opens again, and looks different each time', () => {
  const [one, other] = [seal(key, 'grüße 🦊', 'a'), seal(key, 'grüße 🦊', 'a')]
  expect(one).not.toBe(other)
  expect([unseal(key, one, 'a'), unseal(key, other, 'a')]).toEqual(['grüße 🦊', 'grüße 🦊'])
})

test('another secret, purpose or owner does not open it, nor does a changed or broken text', () => {
  const sealed = seal(key, 'text', 'a')
  expect(unseal(sealingKey('other', 'webhooks'), sealed, 'a')).toBeUndefined()
  expect(unseal(sealingKey('secret', 'links'), sealed, 'a')).toBeUndefined()
  expect(unseal(key, sealed, 'b')).toBeUndefined()
  const bytes = Buffer.from(sealed, 'base64')
  bytes[bytes.length - 1]! ^= 1
  expect(unseal(key, bytes.toString('base64'), 'a')).toBeUndefined()
  for (const broken of ['', 'AAAA', 'no base64 at all']) expect(unseal(key, broken, 'a')).toBeUndefined()
})
