// Where requests may go: names, ports, addresses and networks, on both sides of the line.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { authority, isAllowedHost, resolveDestination } from './addresses.ts'

const stateOf = async (url: string, allow: string[] = []): Promise<string> =>
  (await resolveDestination(new URL(url), allow)).state

test('public addresses are open, all others only by name, port, address or network', async () => {
  expect(await stateOf('https://93.184.216.34/')).toBe('open')
  expect(await stateOf('http://10.1.2.3/')).toBe('refused')
  expect(await stateOf('http://10.1.2.3/', ['10.1.2.3'])).toBe('open')
  expect(await stateOf('http://10.1.2.3/', ['10.1.2.3:80'])).toBe('open')
  expect(await stateOf('http://10.1.2.3:81/', ['10.1.2.3:80'])).toBe('refused')
  expect(await stateOf('http://10.1.2.3:81/', ['10.0.0.0/8'])).toBe('open')
  expect(await stateOf('http://10.1.2.3:81/', ['11.0.0.0/8', 'fc00::/7', 'ten/8'])).toBe('refused')
  expect(await stateOf('http://[fc00::1]:81/', ['[fc00::1]:81'])).toBe('open')
  expect(await stateOf('http://[fc00::1]:81/', ['fc00::/7'])).toBe('open')
  expect(await stateOf('http://localhost/', ['localhost'])).toBe('open')
  expect(await stateOf('http://localhost/')).toBe('refused')
})

test('a name is allowed without being resolved only where the settings name it', () => {
  expect(isAllowedHost(new URL('http://hooks.internal:9000/x'), ['hooks.internal'])).toBe(true)
  expect(isAllowedHost(new URL('http://hooks.internal:9000/x'), ['hooks.internal:9000'])).toBe(true)
  expect(isAllowedHost(new URL('http://hooks.internal:9000/x'), ['internal', '10.0.0.0/8'])).toBe(false)
  expect(isAllowedHost(new URL('http://10.2.0.1:9000/x'), ['10.0.0.0/8'])).toBe(true)
  expect([authority(new URL('https://a.b/x')), authority(new URL('http://[::1]/'))]).toEqual(['a.b:443', '[::1]:80'])
})

test('a request goes to the address that was checked, whatever its name means by then', async () => {
  const server = createServer((_, response) => response.end('here'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const destination = await resolveDestination(new URL(`http://127.0.0.1:${port}`), ['127.0.0.1'])
  if (destination.state === 'refused') throw new Error('it is allowed')
  const status = await new Promise((resolve, reject) => {
    request(`http://no-such-name.invalid:${port}/`, destination.options, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
  expect(status).toBe(200)
  await new Promise((done) => server.close(done))
})
