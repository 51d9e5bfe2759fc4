// Where a batch scoring keeps what it has done until its output is whole: a folder beside the output, which a killed scoring goes on from.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { Column, Digest } from '../../data/manifest.ts'
import { DomainError } from '../../platform/errors.ts'
import { identifyProcess, isAlive, ProcessIdentity } from '../../platform/processes.ts'

/** The input as it was brought into the workspace. */
export const Staged = z.strictObject({ id: z.string(), rows: z.int(), columns: z.array(Column), inputDigest: Digest })
export type Staged = Readonly<z.infer<typeof Staged>>

export interface Workspace {
  readonly directory: string
  readonly model: string
  readonly rows: string
  readonly parts: string
  /** Of this job and nothing else. */
  readonly scratch: string
  /** Undefined: the input has not been brought in yet. */
  staged(): Promise<Staged | undefined>
  /** Once `rows` is whole. */
  setStaged(staged: Staged): Promise<void>
  /** Removes it with all that is in it. */
  remove(): Promise<void>
}

export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/**
 * Opens the workspace of an output, for one process at a time.
 * @param job all that the parts depend on: a workspace of another job is not gone on from
 * @throws DomainError scoring_running, file_exists
 */
export async function openWorkspace(output: string, job: readonly string[]): Promise<Workspace> {
  const key = createHash('sha256').update(JSON.stringify(job)).digest('hex').slice(0, 16)
  const directory = `${output}.scoring-${key}`
  const staging = join(directory, 'staged.json')
  if (existsSync(output) && !existsSync(staging)) {
    const message = `"${output}" is there already: remove it, or name another file`
    throw new DomainError('conflict', 'file_exists', message)
  }
  const parts = join(directory, 'parts')
  await mkdir(parts, { recursive: true })
  await claim(join(directory, 'owner.json'), output)
  const scratch = join(directory, 'scratch')
  await rm(scratch, { recursive: true, force: true })
  await mkdir(scratch)
  for (const name of await readdir(parts))
    if (!name.endsWith('.parquet')) await rm(join(parts, name), { recursive: true, force: true })
  return {
    directory,
    model: join(directory, 'model.onnx'),
    rows: join(directory, 'rows.parquet'),
    parts,
    scratch,
    staged: async () => (existsSync(staging) ? Staged.parse(JSON.parse(await readFile(staging, 'utf8'))) : undefined),
    async setStaged(staged) {
      await writeFile(`${staging}.part`, JSON.stringify(staged))
      await rename(`${staging}.part`, staging)
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}

/** Two processes that begin in the same instant may both get it: they would then write the same parts. */
async function claim(path: string, output: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  const owner = text === undefined ? undefined : identityIn(text)
  if (owner && owner.pid !== process.pid && isAlive(owner)) {
    const message = `process ${owner.pid} writes "${output}" already: wait for it, or end it`
    throw new DomainError('conflict', 'scoring_running', message)
  }
  await writeFile(path, JSON.stringify(identifyProcess(process.pid)))
}

function identityIn(text: string): ProcessIdentity | undefined {
  try {
    return ProcessIdentity.parse(JSON.parse(text))
  } catch {
    return undefined // Cut short when its process was killed.
  }
}
