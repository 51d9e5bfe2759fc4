// The settings: what is wrong is named.
import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'

test('without settings everything lives in .trueloop of the current folder, on loopback', () => {
  const config = loadConfig({})
  expect(config).toMatchObject({ home: `${process.cwd()}/.trueloop`, host: '127.0.0.1', port: 7070, gatewayPort: 7071 })
  expect(config.database).toBe(`sqlite:${process.cwd()}/.trueloop/metadata.sqlite`)
})

test('an unknown setting is an error that names it', () => {
  expect(() => loadConfig({ TRUELOOP_PROT: '7070' })).toThrow('there is no setting TRUELOOP_PROT')
})

test('a wrong value is an error that names the setting and the value', () => {
  expect(() => loadConfig({ TRUELOOP_PORT: '70700' })).toThrow('TRUELOOP_PORT="70700"')
})
