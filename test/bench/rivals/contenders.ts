// The servers that a team would pick instead, each as its documentation starts it, with one model and the same number of workers.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../../free-port.ts'
import { newestVenv } from '../../interop/mlflow/environments.ts'
import { plainEnvironment } from '../../interop/mlflow/servers.ts'
import { ensureVenv, type Venv } from '../../interop/venv.ts'
import { answers, end } from '../home.ts'
import type { LoadBody } from '../load.ts'
import { familyOf } from '../processes.ts'

/** A model as `train.py` left it. */
export interface TrainedModel {
  readonly name: string
  readonly directory: string
  readonly rows: readonly (readonly number[])[]
  /** What scikit-learn says of the rows. */
  readonly probabilities: readonly (readonly number[])[]
}

/** A server under load. */
export interface Rival extends AsyncDisposable {
  readonly name: string
  readonly url: string
  readonly path: string
  /** All processes that the server works with. */
  readonly processes: () => readonly number[]
  readonly body: (rows: readonly (readonly number[])[]) => LoadBody
  /** Probabilities, row after row. */
  readonly read: (answer: unknown) => readonly number[]
  /** The same with rows and answer as bytes, float32 beside each other, where the server takes them. */
  readonly binary?: {
    readonly body: Rival['body']
    readonly read: (answer: Uint8Array, headers: Headers) => readonly number[]
  }
}

const startLimitMs = 180_000
const pollMs = 100
const logCharacters = 10_000

interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly port: number
  readonly directory: string
  readonly environment?: Readonly<Record<string, string>>
  readonly healthPath: string
  readonly path: string
  readonly write: (rows: readonly (readonly number[])[]) => unknown
  readonly read: Rival['read']
  readonly binary?: NonNullable<Rival['binary']>
}

/** A body of JSON for one path. */
export const jsonBody = (path: string, value: unknown): LoadBody => ({
  path,
  headers: { 'Content-Type': 'application/json' },
  base64: Buffer.from(JSON.stringify(value)).toString('base64'),
})

/** Rows as float32 beside each other. */
export const rowBytes = (rows: readonly (readonly number[])[]): Buffer =>
  Buffer.from(Float32Array.from(rows.flat()).buffer)

/** Float32 from a place of the bytes on. */
export const floatsFrom = (bytes: Uint8Array, start = 0): number[] => [...new Float32Array(bytes.slice(start).buffer)]

/** Nothing but the numbers, both ways. */
export const plainBytes = (path: string): NonNullable<Rival['binary']> => ({
  body: (rows) => ({
    path,
    headers: { 'Content-Type': 'application/octet-stream' },
    base64: rowBytes(rows).toString('base64'),
  }),
  read: (answer) => floatsFrom(answer),
})

async function start(program: Program): Promise<Rival> {
  const { name, command, args, port, directory, environment, path } = program
  const child = spawn(command, args, {
    cwd: directory,
    env: { ...plainEnvironment(), OMP_NUM_THREADS: '1', ORT_DISABLE_TELEMETRY: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own: its workers end with it.
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (log = (log + chunk).slice(-logCharacters)))
  }
  const stop = async (): Promise<void> => {
    await end(child)
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // The whole group is gone.
    }
  }
  const url = `http://127.0.0.1:${port}`
  const startMs = performance.now()
  while (!(await answers(url + program.healthPath))) {
    if (performance.now() - startMs > startLimitMs || child.exitCode !== null) {
      await stop()
      throw new Error(`${name} did not become ready:\n${log}`)
    }
    await wait(pollMs)
  }
  return {
    name,
    url,
    path,
    processes: () => familyOf(child.pid!),
    body: (rows) => jsonBody(path, program.write(rows)),
    read: program.read,
    ...(program.binary ? { binary: program.binary } : {}),
    [Symbol.asyncDispose]: stop,
  }
}

interface Tensors {
  readonly outputs: readonly { readonly name: string; readonly data: readonly number[] }[]
}

/** One matrix in the Open Inference Protocol. */
export const matrixRequest = (rows: readonly (readonly number[])[], name: string): object => ({
  inputs: [{ name, datatype: 'FP32', shape: [rows.length, rows[0]!.length], data: rows.flat() }],
})
export const readTensor =
  (name: string): Rival['read'] =>
  (answer) =>
    (answer as Tensors).outputs.find((output) => output.name === name)?.data ?? []

const fastapiVenv = (): Promise<Venv> =>
  ensureVenv(
    [
      'fastapi==0.165.0',
      'uvicorn==0.54.0',
      'uvloop==0.23.0',
      'httptools==0.9.0',
      'orjson==3.13.0',
      'onnxruntime==1.30.0',
      'numpy==2.4.6',
    ],
    'fastapi',
  )
const bentomlVenv = (): Promise<Venv> =>
  ensureVenv(['bentoml==1.4.39', 'onnxruntime==1.30.0', 'numpy==2.4.6'], 'bentoml')
// Its workers die with a newer uvloop.
const mlserverVenv = (): Promise<Venv> =>
  ensureVenv(['mlserver==1.7.1', 'mlserver-sklearn==1.7.1', 'uvloop==0.21.0', 'scikit-learn==1.9.1'], 'mlserver')

const here = import.meta.dirname
const onnxOf = ({ directory, name }: TrainedModel): string => join(directory, `${name}.onnx`)

/** FastAPI, ONNX Runtime and orjson under uvicorn with uvloop and httptools: the best that Python can do. */
export async function startFastapi(model: TrainedModel, workers: number): Promise<Rival> {
  const { python } = await fastapiVenv()
  const port = await freePort()
  const uvicorn = ['-m', 'uvicorn', 'fastapi_server:app', '--host', '127.0.0.1', '--port', String(port)]
  return start({
    name: 'FastAPI + ONNX Runtime (uvloop, httptools, orjson)',
    command: python,
    args: [...uvicorn, '--workers', String(workers), '--no-access-log', '--loop', 'uvloop', '--http', 'httptools'],
    port,
    directory: here,
    environment: { RIVAL_MODEL: onnxOf(model), PYTHONDONTWRITEBYTECODE: '1' },
    healthPath: '/health',
    path: '/infer',
    write: (rows) => matrixRequest(rows, 'X'),
    read: readTensor('probabilities'),
    binary: plainBytes('/infer-bytes'),
  })
}

export async function startBentoml(model: TrainedModel, workers: number): Promise<Rival> {
  const venv = await bentomlVenv()
  const port = await freePort()
  return start({
    name: 'BentoML (ONNX Runtime inside)',
    command: venv.bin('bentoml'),
    args: ['serve', 'bentoml_service:Model', '--host', '127.0.0.1', '--port', String(port)],
    port,
    directory: here,
    environment: {
      RIVAL_MODEL: onnxOf(model),
      RIVAL_WORKERS: String(workers),
      BENTOML_HOME: await mkdtemp(join(tmpdir(), 'trueloop-bench-bentoml-')),
      PYTHONDONTWRITEBYTECODE: '1',
    },
    healthPath: '/readyz',
    path: '/infer',
    write: (rows) => ({ rows }),
    read: (answer) => (answer as number[][]).flat(),
  })
}

export async function startMlflow(model: TrainedModel, workers: number): Promise<Rival> {
  const venv = await newestVenv()
  const port = await freePort()
  const address = ['--host', '127.0.0.1', '--port', String(port)]
  return start({
    name: '`mlflow models serve` (scikit-learn)',
    command: venv.bin('mlflow'),
    args: [
      'models',
      'serve',
      '-m',
      `${model.name}.mlflow`,
      ...address,
      '--env-manager',
      'local',
      '-w',
      String(workers),
    ],
    port,
    directory: model.directory,
    // It looks for its own programs there.
    environment: { PATH: `${join(venv.python, '..')}:${process.env['PATH'] ?? ''}` },
    healthPath: '/ping',
    path: '/invocations',
    write: (rows) => ({ inputs: rows }),
    read: (answer) => (answer as { predictions: number[][] }).predictions.flat(),
  })
}

/** The scikit-learn runtime in its inference pool, with adaptive batching, as its documentation advises for load. */
export async function startMlserver(model: TrainedModel, workers: number): Promise<Rival> {
  const venv = await mlserverVenv()
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-bench-mlserver-'))
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()]
  const settings = {
    http_port: port,
    grpc_port: grpc,
    metrics_port: metrics,
    host: '127.0.0.1',
    parallel_workers: workers,
    debug: false,
    access_log: false,
  }
  const uri = join(model.directory, `${model.name}.joblib`)
  const served = { name: 'model', implementation: 'mlserver_sklearn.SKLearnModel', parameters: { uri } }
  await writeFile(join(directory, 'settings.json'), JSON.stringify(settings))
  await writeFile(
    join(directory, 'model-settings.json'),
    JSON.stringify({ ...served, max_batch_size: 64, max_batch_time: 0.005 }),
  )
  const rival = await start({
    name: 'MLServer (scikit-learn)',
    command: venv.bin('mlserver'),
    args: ['start', directory],
    port,
    directory,
    healthPath: '/v2/models/model/ready',
    path: '/v2/models/model/infer',
    write: (rows) => ({ ...matrixRequest(rows, 'predict'), outputs: [{ name: 'predict_proba' }] }),
    read: readTensor('predict_proba'),
  })
  const stop = async (): Promise<void> => {
    await rival[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  }
  return { ...rival, [Symbol.asyncDispose]: stop }
}
