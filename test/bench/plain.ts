// Starts the plain server of the serving benchmarks.
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { end } from './home.ts'
import type { PlainModel } from './plain-server.ts'

export interface PlainServer extends AsyncDisposable {
  readonly url: string
  readonly pid: number
}

/** @param where.directory a folder for what it is told */
export async function startPlainServer(
  models: readonly PlainModel[],
  where: { directory: string; workers: number },
): Promise<PlainServer> {
  const modelsFile = join(where.directory, 'plain-models.json')
  await writeFile(modelsFile, JSON.stringify(models))
  const args = [join(import.meta.dirname, 'plain-server.ts'), String(where.workers), modelsFile]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    child.once('exit', (code) => reject(new Error(`the plain server ended with ${code}`)))
  })
  return { url: `http://127.0.0.1:${port}`, pid: child.pid!, [Symbol.asyncDispose]: () => end(child) }
}
