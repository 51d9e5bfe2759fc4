// Host and Origin: what other servers let through.
import { expect, test } from 'vitest'
import { isHostPattern, isOriginPattern } from './host-pattern.ts'
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

test.each([
  ['models.corp.example', 'models.corp.example:5000', true],
  ['models.corp.example:5000', 'models.corp.example:5000', true],
  ['models.corp.example:5000', 'models.corp.example:5001', false],
  ['models.corp.example:5000', 'models.corp.example', false],
  ['*.corp.example', 'Models.Corp.Example:80', true],
  ['*.corp.example', 'corp.example', false],
  ['*.corp.example', 'corp.example.evil.example', false],
  ['app-*.corp.example', 'app-7.corp.example', true],
  ['192.168.*', '192.168.1.7:5000', true],
  ['192.168.*', '192.168.evil.example', false],
  ['192.168.*', '192.168.1', false],
  ['modelsXcorp.example', 'models.corp.example', false],
  ['models.corp.example', 'modelsXcorp.example', false],
  ['*', 'evil.example', false],
])('the pattern %s and the Host %s', (pattern, host, isServed) => {
  const ask = (): void => assertOwnOrigin(get(host), [pattern])
  if (isServed) expect(ask).not.toThrow()
  else expect(ask).toThrow('is not served here')
})

test.each(['*', '**', '*:5000', 'models.*', '192.*.1', '*.7', 'a b', 'http://models.example', ''])(
  '"%s" is no pattern of hosts',
  (text) => {
    expect(isHostPattern(text)).toBe(false)
    expect(isOriginPattern(`https://${text}`)).toBe(false)
  },
)

test.each([
  ['https://app.example', 'https://app.example', true],
  ['https://app.example', 'https://app.example:443', true],
  ['https://app.example', 'https://app.example:8443', false],
  ['https://app.example', 'http://app.example', false],
  ['https://app.example:*', 'https://app.example:8443', true],
  ['https://*.app.example', 'https://a.b.app.example', true],
  ['https://*.app.example', 'https://app.example.evil.example', false],
  ['http://localhost:3000', 'http://localhost:3000', true],
  ['https://app.example', 'null', false],
])('a page of another site writes when the operator named it: %s, %s', (pattern, origin, mayWrite) => {
  const request = { method: 'POST', host: 'localhost:7070', origin, fetchSite: 'cross-site' }
  const ask = (): void => assertOwnOrigin(request, [], [pattern])
  if (mayWrite) expect(ask).not.toThrow()
  else expect(ask).toThrow('may not change anything')
})
