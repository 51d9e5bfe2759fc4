// ONNX Runtime behind one small interface: the native session called synchronously, or the package's public API where that is not to be had.
import { createRequire } from 'node:module'
import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-node'

export type Feeds = Record<string, Tensor>
export type Outputs = Readonly<Record<string, Tensor>>

export interface EngineSession {
  /** Its runs are loops of ours, which end whatever the rows are; one of ONNX Runtime's may hang its process, or end it. */
  readonly alwaysEnds: boolean
  /** Answers at once from the native binding; a promise from the public API. */
  run(feeds: Feeds): Outputs | Promise<Outputs>
  release(): void | Promise<void>
}

export interface Engine {
  readonly tensor: TensorConstructor
  /** @param outputs the only ones that are computed and fetched. */
  load(bytes: Uint8Array, outputs: readonly string[]): Promise<EngineSession>
}

/**
 * One thread each and no spinning: the process has its own plan for the cores. Severity 4 (fatal only): shape warnings and failed
 * runs would fill the log, and a failed run is told by the error that it throws. */
export const sessionOptions: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 4,
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
}

/** The part of the package's inner module that we call; checked when it is loaded, since it is not its public API. */
interface NativeSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: unknown): void // oxlint-disable-line max-params -- its shape is given
  run(feeds: Feeds, fetches: Record<string, null>, options: object): unknown
  dispose(): void
}

interface NativeModule {
  initOrt(): void
  binding: { InferenceSession: new () => NativeSession }
}

let engine: Promise<Engine> | undefined

/** Loads ONNX Runtime when first called: most processes never need its 40 MB. */
export function openEngine(): Promise<Engine> {
  engine ??= loadEngine()
  return engine
}

/** ONNX Runtime's own. */
export async function engineVersion(): Promise<string> {
  await openEngine()
  return (await import('onnxruntime-node')).env.versions.node ?? ''
}

async function loadEngine(): Promise<Engine> {
  // Unless it is told before its start, it reports what it runs to its maker over the network.
  process.env['ORT_DISABLE_TELEMETRY'] = '1' // oxlint-disable-line no-restricted-properties -- set for a library, not read
  const module = await import('onnxruntime-node')
  const native = nativeModule()
  return native ? nativeEngine(native, module.Tensor) : publicEngine(module)
}

function nativeModule(): NativeModule | undefined {
  let found: unknown
  try {
    found = createRequire(import.meta.url)('onnxruntime-node/dist/binding.js')
  } catch {
    return undefined // Another release may have moved it; the public API does the same work, slower.
  }
  const { binding, initOrt } = found as { binding?: { InferenceSession?: unknown }; initOrt?: unknown }
  const isUsable = typeof binding?.InferenceSession === 'function' && typeof initOrt === 'function'
  return isUsable ? (found as NativeModule) : undefined
}

/** @internal Exported for its test. */
export function nativeEngine(native: NativeModule, tensor: TensorConstructor): Engine {
  native.initOrt()
  const options = {}
  return {
    tensor,
    async load(bytes, outputs) {
      const session = new native.binding.InferenceSession()
      session.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, sessionOptions)
      const fetches = Object.fromEntries(outputs.map((name) => [name, null]))
      return {
        alwaysEnds: false,
        // A later release may answer with a promise; callers handle both.
        run: (feeds) => session.run(feeds, fetches, options) as Outputs | Promise<Outputs>,
        release: () => session.dispose(),
      }
    },
  }
}

/** @internal Exported for its test. */
export function publicEngine(module: { InferenceSession: typeof InferenceSession; Tensor: TensorConstructor }): Engine {
  return {
    tensor: module.Tensor,
    async load(bytes, outputs) {
      const session = await module.InferenceSession.create(bytes, sessionOptions)
      return { alwaysEnds: false, run: (feeds) => session.run(feeds, outputs), release: () => session.release() }
    },
  }
}
