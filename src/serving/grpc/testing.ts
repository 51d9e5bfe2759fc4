// For tests: a gRPC caller over node:http2, and messages of ModelInfer as a client writes them.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2'
import { smallModel } from '../../models/testing.ts'
import { smallConfig, startTestWorker, testCaller, type TestWorker } from '../testing.ts'

export const inferPath = '/inference.GRPCInferenceService/ModelInfer'
export const streamPath = '/inference.GRPCInferenceService/ModelStreamInfer'

/** A message with its prefix. `length`: what the prefix says, where that is not the truth. */
export function framed(message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer {
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt8(flag)
  frame.writeUInt32BE(length, 1)
  frame.set(message, 5)
  return frame
}

/** A message without a field. */
export const nothing = framed(new Uint8Array())

export interface CallResult {
  /** Of HTTP. */
  readonly httpStatus: number
  /** -1: the stream ended without one. */
  readonly status: number
  readonly message: string
  readonly code: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly messages: readonly Buffer[]
}

/** Sends the bytes as they are and ends the call; resolves when it is over, however that comes. */
export function callRaw(
  session: ClientHttp2Session,
  bytes: Uint8Array,
  { path = inferPath, headers = {}, open }: { path?: string; headers?: OutgoingHttpHeaders; open?: boolean } = {},
): Promise<CallResult> {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  const result = resultOf(stream)
  if (open) stream.write(bytes)
  else stream.end(bytes)
  return result
}

export function resultOf(stream: ClientHttp2Stream): Promise<CallResult> {
  return new Promise((resolve) => {
    let headers: Record<string, string> = {}
    let httpStatus = 0
    const chunks: Buffer[] = []
    const add = (more: object): void => {
      headers = { ...headers, ...(more as Record<string, string>) }
    }
    stream.on('response', (more) => {
      httpStatus = Number(more[':status'])
      add(more)
    })
    stream.on('trailers', add)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', () => undefined)
    stream.on('close', () =>
      resolve({
        httpStatus,
        status: Number(headers['grpc-status'] ?? -1),
        message: decodeURIComponent(headers['grpc-message'] ?? ''),
        code: headers['trueloop-error-code'],
        headers,
        messages: messagesIn(Buffer.concat(chunks)),
      }),
    )
  })
}

function messagesIn(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt32BE(at + 1))
    messages.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1)))
  return messages
}

export interface GrpcCaller extends Disposable {
  readonly session: ClientHttp2Session
  call(bytes: Uint8Array, how?: Parameters<typeof callRaw>[2]): Promise<CallResult>
}

export function grpcCaller(port: number): GrpcCaller {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  return {
    session,
    call: (bytes, how) => callRaw(session, bytes, how),
    [Symbol.dispose]: () => session.destroy(),
  }
}

export interface TestTensor {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly (number | bigint)[]
  readonly raw?: Uint8Array
  readonly contents?: (writer: BinaryWriter) => void
  readonly parameters?: Readonly<Record<string, string>>
}

export interface TestRequest {
  readonly model?: string
  readonly version?: string
  readonly id?: string
  readonly inputs?: readonly TestTensor[]
  /** Beside those of the inputs. */
  readonly moreRaw?: readonly Uint8Array[]
  readonly outputs?: readonly string[]
  readonly parameters?: Readonly<Record<string, bigint>>
}

const nested = (writer: BinaryWriter, field: number, write: () => void): void => {
  writer.tag(field, WireType.LengthDelimited).fork()
  write()
  writer.join()
}
const text = (writer: BinaryWriter, field: number, value: string): void =>
  void writer.tag(field, WireType.LengthDelimited).string(value)

export function inferRequest({ model = 'flights', inputs = [], ...rest }: TestRequest): Uint8Array {
  const writer = new BinaryWriter()
  text(writer, 1, model)
  if (rest.version) text(writer, 2, rest.version)
  if (rest.id) text(writer, 3, rest.id)
  for (const [key, value] of Object.entries(rest.parameters ?? {}))
    nested(writer, 4, () => {
      text(writer, 1, key)
      nested(writer, 2, () => void writer.tag(2, WireType.Varint).int64(value))
    })
  for (const input of inputs)
    nested(writer, 5, () => {
      text(writer, 1, input.name)
      text(writer, 2, input.datatype)
      nested(writer, 3, () => {
        for (const size of input.shape) writer.int64(BigInt(size))
      })
      for (const [key, value] of Object.entries(input.parameters ?? {}))
        nested(writer, 4, () => {
          text(writer, 1, key)
          nested(writer, 2, () => text(writer, 3, value))
        })
      if (input.contents) nested(writer, 5, () => input.contents!(writer))
    })
  for (const name of rest.outputs ?? []) nested(writer, 6, () => text(writer, 1, name))
  for (const { raw } of inputs) if (raw) writer.tag(7, WireType.LengthDelimited).bytes(raw)
  for (const raw of rest.moreRaw ?? []) writer.tag(7, WireType.LengthDelimited).bytes(raw)
  return writer.finish()
}

export interface TestAnswer {
  readonly id: string
  readonly version: string
  readonly names: readonly string[]
  readonly datatypes: readonly string[]
  readonly raw: readonly Buffer[]
  /** Bytes of the outputs' contents. */
  readonly contents: readonly Buffer[]
}

/** Of a ModelInferResponse. */
export function readAnswer(bytes: Uint8Array): TestAnswer {
  const reader = new BinaryReader(bytes)
  const found = {
    id: '',
    version: '',
    names: [] as string[],
    datatypes: [] as string[],
    raw: [] as Buffer[],
    contents: [] as Buffer[],
  }
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (field === 2) found.version = reader.string()
    else if (field === 3) found.id = reader.string()
    else if (field === 6) found.raw.push(Buffer.from(reader.bytes()))
    else if (field === 5) {
      const end = reader.uint32() + reader.pos
      while (reader.pos < end) {
        const [inner, innerType] = reader.tag()
        if (inner === 1) found.names.push(reader.string())
        else if (inner === 2) found.datatypes.push(reader.string())
        else if (inner === 5) found.contents.push(Buffer.from(reader.bytes()))
        else reader.skip(innerType, inner)
      }
    } else reader.skip(wireType, field)
  }
  return found
}

/** BYTES as raw contents have them. */
export function rawTexts(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((each) => {
      const bytes = Buffer.from(each)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      return [length, bytes]
    }),
  )
}

/** The inputs of the small model, rows of `x`, as raw bytes. */
export function smallInputs(x: readonly number[]): TestTensor[] {
  const shape = [x.length]
  return [
    { name: 'x', datatype: 'FP64', shape, raw: new Uint8Array(Float64Array.from(x).buffer) },
    { name: 'carrier', datatype: 'BYTES', shape, raw: rawTexts(x.map(() => 'AA')) },
    { name: 'date', datatype: 'BYTES', shape, raw: rawTexts(x.map(() => '2001-01-31T07:45:00Z')) },
  ]
}

export interface TestGrpc extends AsyncDisposable {
  readonly gateway: TestWorker
  readonly caller: GrpcCaller
  readonly port: number
  infer(x: readonly number[], how?: Parameters<GrpcCaller['call']>[1]): Promise<CallResult>
}

export async function startTestGrpc(caller = testCaller, config = smallConfig()): Promise<TestGrpc> {
  const gateway = await startTestWorker(config, [{ bytes: smallModel() }], { identify: () => caller })
  const port = await gateway.worker.listenGrpc({ host: '127.0.0.1', port: 0 })
  const grpc = grpcCaller(port)
  return {
    gateway,
    caller: grpc,
    port,
    infer: (x, how) => grpc.call(framed(inferRequest({ inputs: smallInputs(x) })), how),
    async [Symbol.asyncDispose]() {
      grpc[Symbol.dispose]()
      await gateway[Symbol.asyncDispose]()
    },
  }
}

export function openStream({ caller }: TestGrpc): { stream: ClientHttp2Stream; result: Promise<CallResult> } {
  const headers = { ':method': 'POST', ':path': streamPath, 'content-type': 'application/grpc', te: 'trailers' }
  const stream = caller.session.request(headers)
  return { stream, result: resultOf(stream) }
}
