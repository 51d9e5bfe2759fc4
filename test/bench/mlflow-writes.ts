// What clients write, as requests made beforehand: runs, batches of metrics, spans by OTLP.
import { randomBytes } from 'node:crypto'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import type { LoadBody } from './load.ts'
import { createRun, type Contender } from './mlflow-contenders.ts'

export interface WriteLoad {
  readonly title: string
  readonly connections: number
  /** What one request stands for: a run, so many metrics, so many spans. */
  readonly perRequest: number
  readonly unit: string
  readonly bodies: (contender: Contender, count: number) => Promise<(string | LoadBody)[]>
  /** Bodies of one round: no point is sent twice. */
  readonly bodiesOf: (requests: number) => number
  readonly path: string
}

const spansPerTrace = 20
const keys = 10

export const writeLoads: readonly WriteLoad[] = [
  {
    title: 'create run',
    connections: 1,
    perRequest: 1,
    unit: 'runs/s',
    path: '/api/2.0/mlflow/runs/create',
    bodiesOf: () => 1,
    bodies: async ({ experiment }) => [
      JSON.stringify({ experiment_id: experiment, start_time: 1_700_000_000_000, tags: [{ key: 'team', value: 'a' }] }),
    ],
  },
  ...[1, 8].flatMap((connections) => [10, 100, 1000].map((size) => batchLoad(size, connections))),
  {
    title: `traces of ${spansPerTrace} spans by OTLP, 8 clients`,
    connections: 8,
    perRequest: spansPerTrace,
    unit: 'spans/s',
    path: '/v1/traces',
    bodiesOf: (requests) => requests,
    bodies: async ({ experiment }, count) =>
      Array.from({ length: count }, () => ({
        path: '/v1/traces',
        headers: { 'Content-Type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment },
        base64: Buffer.from(traceOf(spansPerTrace)).toString('base64'),
      })),
  },
]

function batchLoad(size: number, connections: number): WriteLoad {
  return {
    title: `log-batch of ${size} metrics, ${connections === 1 ? 'one client' : `${connections} clients`}`,
    connections,
    perRequest: size,
    unit: 'metrics/s',
    path: '/api/2.0/mlflow/runs/log-batch',
    bodiesOf: (requests) => requests,
    async bodies({ server, experiment }, count) {
      const runs: string[] = []
      for (let at = 0; at < connections; at++) runs.push(await createRun(server, experiment))
      return Array.from({ length: count }, (_, batch) => {
        const metrics = Array.from({ length: size }, (_each, at) => {
          const step = batch * size + at
          return { key: `m${at % keys}`, value: step / 7, timestamp: 1_700_000_000_000 + step, step }
        })
        return JSON.stringify({ run_id: runs[batch % connections], metrics })
      })
    },
  }
}

/** An ExportTraceServiceRequest of one trace: a root and its children, with inputs and outputs as MLflow's client sends them. */
function traceOf(spans: number): Uint8Array {
  const traceId = randomBytes(16)
  const root = randomBytes(8)
  const startNs = 1_700_000_000_000_000_000n
  const request = new BinaryWriter()
  const resourceSpans = request.tag(1, 2).fork()
  const scopeSpans = resourceSpans.tag(2, 2).fork()
  for (let at = 0; at < spans; at++) {
    const span = scopeSpans.tag(2, 2).fork()
    span.tag(1, 2).bytes(traceId)
    span.tag(2, 2).bytes(at === 0 ? root : randomBytes(8))
    if (at > 0) span.tag(4, 2).bytes(root)
    span.tag(5, 2).string(`step ${at}`)
    span.tag(7, 1).fixed64(startNs + BigInt(at) * 1_000_000n)
    span.tag(8, 1).fixed64(startNs + BigInt(at + 5) * 1_000_000n)
    attribute(span, 'mlflow.traceRequestId', JSON.stringify(`tr-${traceId.toString('hex')}`))
    attribute(span, 'mlflow.spanType', '"CHAIN"')
    attribute(
      span,
      'mlflow.spanInputs',
      JSON.stringify({ question: `what is step ${at}`, words: 'some words '.repeat(10) }),
    )
    attribute(span, 'mlflow.spanOutputs', JSON.stringify({ answer: 'an answer '.repeat(10) }))
    span.tag(15, 2).fork().tag(3, 0).int32(1).join()
    span.join()
  }
  scopeSpans.join()
  resourceSpans.join()
  return request.finish()
}

function attribute(span: BinaryWriter, key: string, value: string): void {
  const pair = span.tag(9, 2).fork()
  pair.tag(1, 2).string(key)
  pair.tag(2, 2).fork().tag(1, 2).string(value).join()
  pair.join()
}
