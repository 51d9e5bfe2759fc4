// Scripts of `clients/`: each asserts what a user of stock MLflow relies on, against the server that MLFLOW_TRACKING_URI names, and ends with `ok`.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Venv } from '../venv.ts'
import { plainEnvironment, type MlflowServer } from './servers.ts'

const run = promisify(execFile)
const outputBytesMax = 64 * 1024 * 1024
const scriptTimeoutMs = 600_000

export interface ClientScript {
  /** A file of `clients/`, without its ending. */
  readonly name: string
  readonly args?: readonly string[]
}

/** A server, or the folder of a stock file store. */
export type ClientTarget = Pick<MlflowServer, 'name' | 'url' | 'log'>

/** Answers what the script printed. @throws Error with all that the script and the server said, when the script did not end with `ok` */
export async function runClient(server: ClientTarget, venv: Venv, { name, args = [] }: ClientScript): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-client-'))
  const env = {
    ...plainEnvironment(),
    MLFLOW_TRACKING_URI: server.url,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
    OMP_NUM_THREADS: '1',
    // A script may have the name of a package that it imports.
    PYTHONSAFEPATH: '1',
    PYTHONPATH: join(import.meta.dirname, 'clients', 'shared'),
  }
  const script = join(import.meta.dirname, 'clients', `${name}.py`)
  try {
    const options = { cwd: folder, env, maxBuffer: outputBytesMax, timeout: scriptTimeoutMs }
    const { stdout, stderr } = await run(venv.python, [script, ...args], options)
    if (!/^ok$/mv.test(stdout)) throw new Error(`${name} did not end with ok:\n${stdout}\n${stderr}`)
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    const what = `${[name, ...args].join(' ')} against ${server.name}`
    throw new Error(`${what} failed:\n${stdout}\n${stderr}\nThe server said:\n${server.log()}`, { cause: error })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
