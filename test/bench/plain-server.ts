// What one would write by hand: node:http under node:cluster, each request through the public `session.run` of onnxruntime-node. The other side of
// the serving benchmark. Run: node plain-server.ts <workers> <models.json>; prints its port when all workers listen.
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { InferenceSession, Tensor } from 'onnxruntime-node'

/** A model of this server: where its bytes are, and the type of each input: a column, or a matrix of floats. */
export interface PlainModel {
  readonly name: string
  readonly file: string
  readonly inputs: Readonly<Record<string, 'float' | 'string' | 'datetime' | 'matrix'>>
}

interface InferRequest {
  readonly inputs: readonly { readonly name: string; readonly shape: number[]; readonly data: (number | string)[] }[]
}

const [workers, modelsFile] = process.argv.slice(2)

if (cluster.isPrimary) {
  let listening = 0
  cluster.on('listening', (_, { port }) => {
    if (++listening === Number(workers)) console.log(port)
  })
  for (let worker = 0; worker < Number(workers); worker++) cluster.fork()
  process.once('SIGTERM', () => process.exit(0)) // The workers end with their channel.
} else {
  await serve(JSON.parse(readFileSync(modelsFile!, 'utf8')) as PlainModel[])
}

interface Served {
  readonly session: InferenceSession
  readonly model: PlainModel
}

async function serve(models: readonly PlainModel[]): Promise<void> {
  // One thread for each run, as in the gateway: with more, two workers on two cores are slower.
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 }
  const byPath = new Map<string, Served>()
  for (const model of models) {
    const session = await InferenceSession.create(model.file, options)
    byPath.set(`/v2/models/${model.name}/infer`, { session, model })
  }
  const answer = async (url: string, body: Buffer): Promise<string | Uint8Array> => {
    const found = byPath.get(url.replace(/-bytes$/v, ''))
    if (!found) throw new Error(`there is no ${url}`)
    if (url.endsWith('-bytes')) return answerBytes(found, body)
    const { inputs } = JSON.parse(body.toString()) as InferRequest
    const feeds: Record<string, Tensor> = {}
    for (const { name, shape, data } of inputs) {
      const type = found.model.inputs[name]
      feeds[name] = tensorOf(type, data, type === 'matrix' ? shape : [shape[0]!, 1])
    }
    const { probabilities } = await found.session.run(feeds, ['probabilities'])
    const data = [...(probabilities!.data as Float32Array)]
    const outputs = [{ name: 'probabilities', datatype: 'FP32', shape: probabilities!.dims, data }]
    return JSON.stringify({ model_name: found.model.name, outputs })
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      answer(request.url ?? '/', Buffer.concat(chunks)).then(
        (told) => {
          const type = typeof told === 'string' ? 'application/json' : 'application/octet-stream'
          response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(told) })
          response.end(told)
        },
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    })
  }
  createServer({ noDelay: true, keepAliveTimeout: 75_000 }, onRequest).listen(0, '127.0.0.1')
}

/** Of a model with one matrix: float32 beside each other, both ways. */
async function answerBytes({ session, model }: Served, body: Buffer): Promise<Uint8Array> {
  const [name] = Object.keys(model.inputs)
  const [input] = session.inputMetadata
  const width = input?.isTensor ? Number(input.shape[1]) : 0
  const values = new Float32Array(body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength))
  const feeds = { [name!]: new Tensor('float32', values, [values.length / width, width]) }
  const { probabilities } = await session.run(feeds, ['probabilities'])
  const data = probabilities!.data as Float32Array
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function tensorOf(type: string | undefined, data: (number | string)[], dims: number[]): Tensor {
  if (type === 'string') return new Tensor('string', data as string[], dims)
  if (type === 'float' || type === 'matrix') return new Tensor('float32', Float32Array.from(data as number[]), dims)
  return new Tensor(
    'int64',
    BigInt64Array.from(data, (text) => BigInt(Date.parse(String(text))) * 1000n),
    dims,
  )
}
