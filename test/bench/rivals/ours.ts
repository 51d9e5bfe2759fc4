// The gateway of a home with one model, and the loop that one would write by hand, as contenders beside Python's servers.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { computeBaseline } from '../../../src/models/baseline-builder.ts'
import { loadModel } from '../../../src/models/inference.ts'
import { answersFor } from '../../../src/models/scoring.ts'
import { Signature } from '../../../src/models/signature.ts'
import type { Frame, FrameColumn } from '../../../src/training/frame.ts'
import { prepareHome, startRole, type BenchModel } from '../home.ts'
import { startPlainServer } from '../plain.ts'
import { familyOf } from '../processes.ts'
import {
  floatsFrom,
  jsonBody,
  matrixRequest,
  plainBytes,
  readTensor,
  rowBytes,
  type Rival,
  type TrainedModel,
} from './contenders.ts'

const matrix = 'X'
const ownVersions = 2

export interface OwnGateway extends Rival {
  /** Lets the other of its two versions answer, which every worker loads anew. */
  readonly reload: () => Promise<void>
}

/** Its control plane is counted with it: it takes in every prediction. */
export async function startGateway(model: TrainedModel, workers: number): Promise<OwnGateway> {
  const stack = new AsyncDisposableStack()
  try {
    const home = stack.use(await prepareHome([await benchModel(model)]))
    const server = stack.use(await startRole(home, 'server'))
    const gateway = stack.use(await startRole(home, 'gateway', { workers }))
    const rival = rivalOf('Trueloop', model, {
      binary: tensorBytes(model),
      url: gateway.url,
      processes: () => [...familyOf(gateway.pid), ...familyOf(server.pid)],
      stop: async () => {
        await stack.disposeAsync()
      },
    })
    let version = ownVersions
    const reload = async (): Promise<void> => {
      version = (version % ownVersions) + 1
      const champion = { version: `${model.name}/${version}`, role: 'champion', weight: 1 }
      const response = await fetch(`${server.url}/api/endpoints/${model.name}/variants`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ variants: [champion], reason: 'benchmark' }),
      })
      if (!response.ok) throw new Error(`the versions did not change: ${await response.text()}`)
    }
    return { ...rival, reload }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

export async function startPlain(model: TrainedModel, workers: number): Promise<Rival> {
  const { name, directory } = model
  const served = { name, file: join(directory, `${name}.onnx`), inputs: { [matrix]: 'matrix' as const } }
  const plain = await startPlainServer([served], { directory, workers })
  return rivalOf('plain `node:http` + `session.run`', model, {
    url: plain.url,
    binary: plainBytes(`/v2/models/${name}/infer-bytes`),
    processes: () => familyOf(plain.pid),
    stop: async () => plain[Symbol.asyncDispose](),
  })
}

interface Started {
  readonly url: string
  readonly processes: Rival['processes']
  readonly binary: NonNullable<Rival['binary']>
  readonly stop: () => Promise<void>
}

function rivalOf(name: string, model: TrainedModel, { url, processes, binary, stop }: Started): Rival {
  const path = `/v2/models/${model.name}/infer`
  return {
    name,
    url,
    path,
    processes,
    body: (rows) => jsonBody(path, matrixRequest(rows, matrix)),
    read: readTensor('probabilities'),
    binary,
    [Symbol.asyncDispose]: stop,
  }
}

/** The binary tensors of Triton's extension, both ways. */
function tensorBytes({ name }: TrainedModel): NonNullable<Rival['binary']> {
  const path = `/v2/models/${name}/infer`
  return {
    body(rows) {
      const data = rowBytes(rows)
      const tensor = { name: matrix, datatype: 'FP32', shape: [rows.length, rows[0]!.length] }
      const request = {
        inputs: [{ ...tensor, parameters: { binary_data_size: data.length } }],
        outputs: [{ name: 'probabilities', parameters: { binary_data: true } }],
      }
      const head = Buffer.from(JSON.stringify(request))
      return {
        path,
        headers: {
          'Content-Type': 'application/octet-stream',
          'Inference-Header-Content-Length': String(head.length),
        },
        base64: Buffer.concat([head, data]).toString('base64'),
      }
    },
    read: (answer, headers) => floatsFrom(answer, Number(headers.get('inference-header-content-length'))),
  }
}

async function benchModel({ name, directory, rows }: TrainedModel): Promise<BenchModel> {
  const onnx = await readFile(join(directory, `${name}.onnx`))
  const columns = rows[0]!.map((_, at): FrameColumn & { kind: 'number' } => ({
    kind: 'number',
    name: `x${at}`,
    values: Float64Array.from(rows, (row) => row[at]!),
  }))
  const names = columns.map((column) => column.name)
  const signature = Signature.parse({
    task: 'binary',
    inputs: names.map((column) => ({ name: column, type: 'float' })),
    classes: ['0', '1'],
    tensors: [{ name: matrix, elementType: 'float32', columns: names }],
  })
  const loaded = await loadModel(onnx, { signature })
  const frame: Frame = { rowCount: rows.length, columns, target: new Float64Array(rows.length) }
  const answers = await answersFor(loaded, frame)
  await loaded.release()
  const baseline = computeBaseline({ frame, signature, answers, days: [] })
  return { name, onnx, signature, baseline, versions: ownVersions }
}
