// OpenTelemetry's exporters and what may come in their place: encodings, refusals, limits.
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { expect, test } from 'vitest'
import { createTraceServer } from './testing.ts'

const traceId = '5b8efff798038103d269b633813fc60c'
const spanId = 'eee19b7ec3c1b174'

const span = {
  traceId,
  spanId,
  name: 'x',
  startTimeUnixNano: '1544712660000000000',
  endTimeUnixNano: '1544712661000000000',
}
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'svc' } }] }
const attributes = [
  { key: 'text', value: { stringValue: 'ä' } },
  { key: 'on', value: { boolValue: true } },
  { key: 'count', value: { intValue: '-5' } },
  { key: 'share', value: { doubleValue: 1e-5 } },
  { key: 'bytes', value: { bytesValue: Buffer.from(`hi"'ÿ`, 'latin1').toString('base64') } },
  { key: 'list', value: { arrayValue: { values: [{ intValue: 1 }, { stringValue: 'b' }] } } },
  { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { doubleValue: 2 } }] } } },
  { key: 'none', value: {} },
]
const json = (spans: object[] = [{ ...span, attributes }]) => ({
  resourceSpans: [{ resource, scopeSpans: [{ spans }] }],
})

const message = (write: (writer: BinaryWriter) => void): Uint8Array => {
  const writer = new BinaryWriter()
  write(writer)
  return writer.finish()
}
/** A nested message or bytes under a field's number. */
const nested = (writer: BinaryWriter, field: number, bytes: Uint8Array): BinaryWriter =>
  writer.tag(field, 2).bytes(bytes)
const pair = (key: string, value: (writer: BinaryWriter) => void): Uint8Array =>
  message((writer) => nested(writer.tag(1, 2).string(key), 2, message(value)))

/** The same request as `json()`, in protobuf; fields that nobody knows are skipped. */
function protobuf(): Buffer {
  const values: [string, (writer: BinaryWriter) => void][] = [
    ['text', (writer) => writer.tag(1, 2).string('ä')],
    ['on', (writer) => writer.tag(2, 0).bool(true)],
    ['count', (writer) => writer.tag(3, 0).int64(-5)],
    ['share', (writer) => writer.tag(4, 1).double(1e-5)],
    ['bytes', (writer) => writer.tag(7, 2).bytes(Buffer.from(`hi"'ÿ`, 'latin1'))],
    [
      'list',
      (writer) =>
        nested(
          writer,
          5,
          message((list) => {
            nested(
              list,
              1,
              message((value) => value.tag(3, 0).int64(1)),
            )
            nested(
              list,
              1,
              message((value) => value.tag(1, 2).string('b')),
            )
          }),
        ),
    ],
    [
      'map',
      (writer) =>
        nested(
          writer,
          6,
          message((map) =>
            nested(
              map,
              1,
              pair('k', (value) => value.tag(4, 1).double(2)),
            ),
          ),
        ),
    ],
    ['none', () => undefined],
  ]
  const bytes = message((writer) => {
    nested(writer, 1, Buffer.from(traceId, 'hex'))
    nested(writer, 2, Buffer.from(spanId, 'hex'))
    writer.tag(99, 2).string('of another release')
    writer.tag(5, 2).string('x').tag(7, 1).fixed64(1544712660000000000n).tag(8, 1).fixed64(1544712661000000000n)
    for (const [key, value] of values) nested(writer, 9, pair(key, value))
  })
  const sent = message((writer) => {
    nested(
      writer,
      1,
      message((found) =>
        nested(
          found,
          1,
          pair('service.name', (value) => value.tag(1, 2).string('svc')),
        ),
      ),
    )
    nested(
      writer,
      2,
      message((scope) => nested(scope, 2, bytes)),
    )
  })
  return Buffer.from(message((writer) => nested(writer, 1, sent)))
}

test('protobuf and JSON, plain or packed, come to the same trace', async () => {
  const seen = new Set<string>()
  const encodings = { gzip: gzipSync, deflate: deflateSync, Deflate: deflateRawSync }
  const bodies: [Buffer, string][] = [
    [protobuf(), 'application/x-protobuf'],
    [Buffer.from(JSON.stringify(json())), 'application/json; charset=utf-8'],
  ]
  for (const [body, type] of bodies) {
    const sent: [Buffer, Record<string, string>][] = [
      [body, {}],
      ...Object.entries(encodings).map(([name, pack]): [Buffer, Record<string, string>] => [
        pack(body),
        { 'content-encoding': name },
      ]),
    ]
    for (const [packed, headers] of sent) {
      await using server = await createTraceServer()
      expect(await server.send(packed, { 'content-type': type, ...headers })).toEqual({ status: 200, json: undefined })
      const { json: got } = await server.call('GET', '3.0/mlflow/traces/get', { trace_id: `tr-${traceId}` })
      seen.add(JSON.stringify(got))
    }
  }
  expect(seen.size).toBe(1)
  const { trace } = JSON.parse([...seen][0]!)
  expect(trace.trace_info).toMatchObject({ state: 'OK', execution_duration: '1s', tags: { 'service.name': 'svc' } })
  expect(trace.spans[0].attributes).toEqual([
    { key: 'text', value: { string_value: 'ä' } },
    { key: 'on', value: { bool_value: true } },
    { key: 'count', value: { int_value: -5 } },
    { key: 'share', value: { double_value: 1e-5 } },
    { key: 'bytes', value: { string_value: String.raw`b'hi"\'\xff'` } },
    { key: 'list', value: { array_value: { values: [{ int_value: 1 }, { string_value: 'b' }] } } },
    { key: 'map', value: { kvlist_value: { values: [{ key: 'k', value: { double_value: 2 } }] } } },
    { key: 'none' },
    { key: 'mlflow.traceRequestId', value: { string_value: `tr-${traceId}` } },
  ])
})

test('what is no request is refused as MLflow refuses it, and nothing of it is kept', async () => {
  await using server = await createTraceServer()
  const deep = (depth: number): object =>
    depth === 0 ? { intValue: 1 } : { arrayValue: { values: [deep(depth - 1)] } }
  const invalid = 'Invalid OpenTelemetry format'
  const cases: [unknown, Record<string, string>, number, object][] = [
    [
      json(),
      { 'content-type': 'text/plain' },
      400,
      { detail: 'Invalid Content-Type: text/plain. Expected: application/x-protobuf or application/json' },
    ],
    [{}, {}, 400, { detail: `${invalid} - no spans found` }],
    [Buffer.from('{'), {}, 400, { detail: invalid }],
    [Buffer.from('zzz'), { 'content-type': 'application/x-protobuf' }, 400, { detail: invalid }],
    [protobuf().subarray(0, 90), { 'content-type': 'application/x-protobuf' }, 400, { detail: invalid }],
    [{ resourceSpans: [{ scopeSpans: 5 }] }, {}, 400, { detail: invalid }],
    [json([{ ...span, attributes: [{ key: 'k', value: deep(200) }] }]), {}, 400, { detail: invalid }],
    [json([span, { ...span, traceId: '' }]), {}, 422, { detail: 'Cannot convert OpenTelemetry span to MLflow span' }],
    [
      json([span, { ...span, spanId: `${spanId}00` }]),
      {},
      422,
      { detail: 'Cannot convert OpenTelemetry span to MLflow span' },
    ],
    [Buffer.from('{'), { 'content-encoding': 'gzip' }, 400, { detail: 'Failed to decompress gzip payload' }],
    [json(), { 'content-encoding': 'br' }, 400, { detail: 'Unsupported Content-Encoding: br' }],
    [
      json(),
      { 'x-mlflow-experiment-id': '99' },
      404,
      { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No Experiment with id=99 exists' },
    ],
    [
      json(),
      { 'x-mlflow-experiment-id': 'x' },
      400,
      { message: "Invalid experiment ID 'x'. Experiment ID must be a valid integer." },
    ],
  ]
  for (const [body, headers, status, answer] of cases) {
    expect(await server.send(body, headers)).toMatchObject({ status, json: answer })
  }
  const headers = { 'content-type': 'application/json' }
  const nameless = await server.server.inject({
    method: 'POST',
    url: '/v1/traces',
    headers,
    payload: JSON.stringify(json()),
  })
  expect([nameless.statusCode, nameless.json().detail[0].loc]).toEqual([422, ['header', 'x-mlflow-experiment-id']])
  expect(await server.send({ resourceSpans: [{}] })).toMatchObject({ status: 200 })
  const { json: found } = await server.call('POST', '3.0/mlflow/traces/search', {
    locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '1' } }],
  })
  expect(found).toEqual({})
})

test('a small request that holds too much is refused before it is unpacked', async () => {
  await using server = await createTraceServer()
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024))
  expect(bomb.byteLength).toBeLessThan(1024 * 1024)
  for (const type of ['application/json', 'application/x-protobuf']) {
    expect(await server.send(bomb, { 'content-encoding': 'gzip', 'content-type': type })).toMatchObject({ status: 413 })
  }
  expect(await server.send(json())).toMatchObject({ status: 200 })
})

test('finished traces are linked to the run that the exporter names, others are not', async () => {
  await using server = await createTraceServer()
  const open = { ...span, traceId: traceId.replace('5b', '6b'), parentSpanId: '00000000000000ff' }
  expect(await server.send(json([span, open]), { 'x-mlflow-run-id': 'run-1' })).toMatchObject({ status: 200 })
  const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '1' } }]
  const found = await server.call('POST', '3.0/mlflow/traces/search', { locations, filter: "run_id = 'run-1'" })
  expect(found.json.traces).toMatchObject([{ trace_id: `tr-${traceId}` }])
})

test('a caller needs the permission to write traces', async () => {
  await using server = await createTraceServer({ permissions: ['trace.read'] })
  expect(await server.send(json())).toMatchObject({ status: 403 })
})

test('a token that is bound to a run writes traces only beside it, and deletes none', async () => {
  await using server = await createTraceServer({ scope: 'run-of-a-step' })
  expect(await server.send(json())).toMatchObject({ status: 403, json: { error_code: 'PERMISSION_DENIED' } })
  const fields = { experiment_id: '1', max_timestamp_millis: 5 }
  expect(await server.call('POST', '3.0/mlflow/traces/delete-traces', fields)).toMatchObject({ status: 403 })
  const info = { trace_id: 'tr-1', trace_location: { mlflow_experiment: { experiment_id: '1' } } }
  expect(await server.call('POST', '3.0/mlflow/traces', { trace: { trace_info: info } })).toMatchObject({ status: 403 })
})
