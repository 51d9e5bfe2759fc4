// Host and Origin: what other servers let through.
import { expect, test } from 'vitest'
import { assertMayListen, assertOwnOrigin, isLoopbackAddress } from './hosts.ts'

const get = (host: string | undefined, extra = {}) => ({
  method: 'GET',
  host,
  origin: undefined,
  fetchSite: undefined,
  ...extra,
})

test.each(['localhost', 'localhost:7070', '127.0.0.1:7070', '[::1]:7070', 'LOCALHOST'])('%s is served', (host) => {
  expect(() => assertOwnOrigin(get(host), [])).not.toThrow()
})

test.each([
  undefined,
  '',
  'evil.example',
  '127.0.0.1.evil.example',
  '10.0.0.1',
  '127.1',
  '0x7f000001',
  'localhost@evil.example',
  'localhost/',
  '[::ffff:8.8.8.8]',
])('the Host %s is refused', (host) => {
  expect(() => assertOwnOrigin(get(host), [])).toThrow('is not served here')
})

test('a name that the owner allows is served, and none that only begins like it', () => {
  expect(() => assertOwnOrigin(get('models.corp.example'), ['models.corp.example'])).not.toThrow()
  expect(() => assertOwnOrigin(get('models.corp.example.evil.example'), ['models.corp.example'])).toThrow()
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])("another site's page may not %s", (method) => {
  const request = { method, host: 'localhost:7070', fetchSite: undefined }
  for (const origin of ['http://evil.example', 'http://localhost:3000', 'null', 'http://localhost']) {
    expect(() => assertOwnOrigin({ ...request, origin }, [])).toThrow('may not change anything')
  }
  expect(() => assertOwnOrigin({ ...request, origin: 'http://localhost:7070' }, [])).not.toThrow()
  expect(() => assertOwnOrigin({ ...request, origin: undefined, fetchSite: 'cross-site' }, [])).toThrow(
    'may not change anything',
  )
  expect(() => assertOwnOrigin({ ...request, origin: undefined }, [])).not.toThrow()
})

test('listening beyond loopback without authentication is refused', () => {
  for (const host of ['0.0.0.0', '::', '192.168.1.4', 'example.org'])
    expect(() => assertMayListen(host, false)).toThrow(host)
  for (const host of ['127.0.0.1', '::1', 'localhost', '127.8.8.8'])
    expect(() => assertMayListen(host, false)).not.toThrow()
  expect(() => assertMayListen('0.0.0.0', true)).not.toThrow()
  expect(isLoopbackAddress('127.0.0.1.nip.io')).toBe(false)
})
