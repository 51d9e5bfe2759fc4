// Secrets as MLflow's own library makes and reads them.
import { expect, test } from 'vitest'
import { fernetKey, makeFernet, openFernet } from './fernet.ts'

const key = fernetKey('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')!
const another = fernetKey('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')!
/** Made by the Python package cryptography of "a secret ü". */
const token = 'gAAAAABlU_EAAAECAwQFBgcICQoLDA0ODykzH4xTMI4H-DUi_uC-RC9Nc5aeTL1pGE4KxSf49CygFj_-VeVxe-JZe_WLsoCI5w=='

test('a text of MLflow opens with its key, and with no other', () => {
  expect(openFernet(key, token)).toBe('a secret ü')
  expect(openFernet(another, token)).toBeUndefined()
  expect(openFernet(key, token.replace('lU_', 'lV_'))).toBeUndefined()
  expect(openFernet(key, 'no token')).toBeUndefined()
})

test('what is made opens again', () => {
  const made = makeFernet(key, 'a secret ü', 1_700_000_000_000)
  expect(made.startsWith('gAAAAABlU_EA')).toBe(true)
  expect(openFernet(key, made)).toBe('a secret ü')
})

test('a key is 32 bytes', () => {
  expect(fernetKey('a passphrase')).toBeUndefined()
  expect(fernetKey('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4')).toHaveLength(32)
})
