// Settings of traces: ours win over OpenTelemetry's, and the children of the gateway get what came of both.
import { expect, test } from 'vitest'
import { childEnvironment, loadConfig } from './config.ts'
import { tracingSettings } from './tracing-config.ts'

test('without a collector nothing is traced; OpenTelemetry’s variables name one', () => {
  expect(tracingSettings(loadConfig({}).tracing)).toBeUndefined()
  const config = loadConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/base/',
    OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=a%20b, x=1=2,broken',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
  })
  expect(tracingSettings(config.tracing)).toEqual({
    url: new URL('http://127.0.0.1:4318/base/v1/traces'),
    headers: { 'api-key': 'a b', x: '1=2' },
    share: 0.25,
    serviceName: 'trueloop-gateway',
  })
  // The gateway's processes get it under our names, and steps none of OpenTelemetry's.
  const passed = childEnvironment(config)
  expect(Object.keys(passed).filter((name) => name.startsWith('OTEL_'))).toEqual([])
  expect(loadConfig(passed).tracing).toEqual(config.tracing)
})

test('our settings win, and a share that is none is refused', () => {
  const { tracing } = loadConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://theirs:4318',
    OTEL_TRACES_SAMPLER_ARG: '7',
    TRUELOOP_OTLP_ENDPOINT: 'https://ours',
  })
  expect(tracingSettings(tracing)).toMatchObject({ url: new URL('https://ours/v1/traces'), share: 0.01 })
  expect(() => loadConfig({ TRUELOOP_TRACE_SHARE: '2' })).toThrow(/TRUELOOP_TRACE_SHARE/v)
  expect(() => loadConfig({ TRUELOOP_OTLP_ENDPOINT: 'ftp://x' })).toThrow(/TRUELOOP_OTLP_ENDPOINT/v)
})
