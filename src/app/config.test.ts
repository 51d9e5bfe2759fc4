// The settings: what is wrong is named.
import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'

test('without settings everything lives in .trueloop of the current folder, on loopback', () => {
  const config = loadConfig({})
  expect(config).toMatchObject({ home: `${process.cwd()}/.trueloop`, host: '127.0.0.1', port: 7070, gatewayPort: 7071 })
  expect(config.database).toBe(`sqlite:${process.cwd()}/.trueloop/metadata.sqlite`)
})

test('gRPC is one port above the gateway, or free as that is, unless it is named or off', () => {
  const portOf = (environment: Record<string, string>) => loadConfig(environment).gatewayGrpcPort
  expect(portOf({})).toBe(7072)
  expect(portOf({ TRUELOOP_GATEWAY_PORT: '9000' })).toBe(9001)
  expect(portOf({ TRUELOOP_GATEWAY_PORT: '7069' })).toBe(7071)
  expect(portOf({ TRUELOOP_GATEWAY_PORT: '0' })).toBe(0)
  expect(portOf({ TRUELOOP_GATEWAY_PORT: '65535' })).toBe(0)
  expect(portOf({ TRUELOOP_GATEWAY_GRPC_PORT: '8001' })).toBe(8001)
  expect(portOf({ TRUELOOP_GATEWAY_GRPC_PORT: 'off' })).toBeNull()
  expect(() => portOf({ TRUELOOP_GATEWAY_GRPC_PORT: 'on' })).toThrow('TRUELOOP_GATEWAY_GRPC_PORT="on"')
  expect(() => portOf({ TRUELOOP_GATEWAY_GRPC_PORT: '7071' })).toThrow("the gateway's own port")
})

test('an unknown setting is an error that names it', () => {
  expect(() => loadConfig({ TRUELOOP_PROT: '7070' })).toThrow('there is no setting TRUELOOP_PROT')
})

test('a wrong value is an error that names the setting and the value', () => {
  expect(() => loadConfig({ TRUELOOP_PORT: '70700' })).toThrow('TRUELOOP_PORT="70700"')
})

test('a wrong webhook is named by its place and host, and by nothing else of its URL', () => {
  const messageFor = (urls: string): string => {
    try {
      loadConfig({ TRUELOOP_ALERT_WEBHOOKS: urls })
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('it is accepted')
  }
  const good = 'https://hooks.example.com/services/secret'
  expect(loadConfig({ TRUELOOP_ALERT_WEBHOOKS: ` ${good} , http://10.0.0.7/x` }).alertWebhooks).toEqual([
    good,
    'http://10.0.0.7/x',
  ])
  expect(messageFor(`${good},ftp://files.example.com/secret`)).toBe(
    'TRUELOOP_ALERT_WEBHOOKS: URL 2 (files.example.com) must be an https:// or http:// URL',
  )
  expect(messageFor('secret')).toBe('TRUELOOP_ALERT_WEBHOOKS: URL 1 must be an https:// or http:// URL')
  expect(messageFor(`${good},${good}`)).toBe('TRUELOOP_ALERT_WEBHOOKS: URL 2 (hooks.example.com) is there already')
})
