// A run: one execution of training code, and all that reproducing it needs. Pure, so web/ and client/ import it too.
import { z } from 'zod'
import { artifactPathBytesMax } from '../artifacts/artifact.ts'
import { DomainError } from '../platform/errors.ts'
import { RunDataset } from './logged-dataset.ts'
import { MetricSummary, WireMetricSummary } from './metric.ts'

export const RunState = z.enum(['scheduled', 'running', 'finished', 'failed', 'killed'])
export type RunState = z.infer<typeof RunState>
export const EndState = RunState.exclude(['scheduled', 'running'])
export type EndState = z.infer<typeof EndState>

/** Of one `logBatch`; a client with more sends several. */
export const batchMax = { metrics: 1000, params: 100, tags: 100 } as const
export const artifactsMax = 1000
export const inputsMax = 100
const packagesMax = 5000
const nameLength = 250

/** A key of a param, metric or tag, or an artifact's name: never a path, so `/` and `..` are only characters. */
export const Key = z
  .string()
  .min(1)
  .max(nameLength)
  .regex(/^\P{C}+$/v, 'a name without control characters')
export const ParamValue = z.string().max(6000)
export const TagValue = z.string().max(8000)
export const Params = z.record(Key, ParamValue)
export const Tags = z.record(Key, TagValue)

const Digest = z.string().regex(/^[0-9a-f]{64}$/v, 'a sha256 in lower-case hexadecimal digits')

/** The code that ran. */
export const Code = z.strictObject({
  /** Full git commit; null outside of a repository or before its first commit. */
  commit: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/v)
    .nullable(),
  /** Whether files differed from that commit. */
  isDirty: z.boolean(),
  /** Blob of the snapshot's manifest (snapshot.ts); null when none was taken. */
  snapshot: Digest.nullable(),
})
export type Code = Readonly<z.infer<typeof Code>>

/** What the code ran on. */
export const Environment = z.strictObject({
  nodeVersion: z.string().max(64),
  /** `linux-x64`. */
  platform: z.string().max(64),
  /** sha256 of package-lock.json; null without one. */
  lockDigest: Digest.nullable(),
  /** Package path in the lock file (`node_modules/zod`) to its integrity, or its version where the lock has no integrity. */
  packages: z
    .record(z.string().max(512), z.string().max(512))
    .refine((packages) => Object.keys(packages).length <= packagesMax, `at most ${packagesMax} packages`),
  threads: z.int().positive(),
  /** Versions of libraries inside Node or loaded by name (`v8`, `onnxruntime-node`, `duckdb`). */
  libraries: z.record(z.string().max(128), z.string().max(256)),
})
export type Environment = Readonly<z.infer<typeof Environment>>

/** `flights/3`: the dataset's name and the version. */
export const DatasetVersionReference = z
  .string()
  .max(300)
  .regex(/^[^\p{C}]+\/[1-9]\d{0,8}$/v, 'a dataset version such as flights/3')

/** A dataset version that the run read; `role` is `training`, `evaluation` or a word of the user's. */
export const RunInput = z.strictObject({ datasetVersion: DatasetVersionReference, role: Key })
export type RunInput = Readonly<z.infer<typeof RunInput>>

export const Artifact = z.strictObject({
  /** Its path below the run's root (artifact.ts has the rules). */
  name: z.string().min(1).max(artifactPathBytesMax),
  blob: z.strictObject({ digest: Digest, bytes: z.int().nonnegative() }),
  mediaType: z
    .string()
    .max(200)
    .regex(/^[\w.+\-]+\/[\w.+\-]+(?:\s*;.*)?$/v, 'a media type such as application/json'),
})
export type Artifact = Readonly<z.infer<typeof Artifact>>

/** Name of a seed to its value. */
export const Seeds = z.record(Key, z.int())

export const RunId = z.string().regex(/^[A-Za-z0-9][\w\-]{0,255}$/v, 'the id of a run')

/** Clients choose when a run began and ended: any 64-bit number. */
export type TimeMs = number | bigint
const TimeMs = z.union([z.int(), z.bigint()])

// As stored: MLflow's clients give names and tags that the native API would not take.
const header = {
  id: RunId,
  experimentId: z.int().nonnegative(),
  /** The experiment's name now. */
  experiment: z.string(),
  name: z.string(),
  state: RunState,
  startedAtMs: TimeMs,
  endedAtMs: TimeMs.nullable(),
  /** Set while it is deleted: it can be restored and is left out of searches. */
  deletedAtMs: z.int().nullable(),
  /** Who the server knows to have made it. */
  createdBy: z.string(),
  /** Who its client says made it. */
  userId: z.string(),
  artifactUri: z.string(),
  pipelineRunId: z.string().nullable(),
}
const texts = z.record(z.string(), z.string())
const body = {
  params: texts,
  tags: texts,
}

/** What a list shows of a run. */
export const RunSummary = z.strictObject({ ...header, ...body, metrics: z.record(z.string(), MetricSummary) })
export type RunSummary = Readonly<z.infer<typeof RunSummary>>

const detail = {
  seeds: Seeds,
  code: Code.nullable(),
  environment: Environment.nullable(),
  /** Dataset versions of this home. */
  inputs: z.array(RunInput),
  /** Other datasets that it read, as its client named them. */
  datasets: z.array(RunDataset),
  /** Logged models that it read. */
  modelInputs: z.array(z.string()),
  /** Logged models that it made, and at which step (rounded beyond 2^53). */
  modelOutputs: z.array(z.strictObject({ modelId: z.string(), step: z.number() })),
  artifacts: z.array(Artifact),
}

export const Run = RunSummary.extend(detail)
export type Run = Readonly<z.infer<typeof Run>>

/** As JSON carries it: numbers that JSON does not have are text (metric.ts), times beyond 2^53 ms are rounded. */
const wire = {
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  metrics: z.record(z.string(), WireMetricSummary),
}
export const WireRunSummary = RunSummary.extend(wire)
export const WireRun = Run.extend(wire)

export const runNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'run_not_found', `there is no run "${id}"`, { id })

export const runExists = (id: string): DomainError =>
  new DomainError('conflict', 'run_exists', `there is a run "${id}" already: leave the id out to get a new one`, { id })

export const runDeleted = (id: string): DomainError =>
  new DomainError('conflict', 'run_deleted', `run "${id}" is deleted: restore it before writing to it`, { id })

export const runTagNotFound = (id: string, key: string): DomainError =>
  new DomainError('not_found', 'run_tag_not_found', `run "${id}" has no tag "${key}"`, { id, key })

export const runEnded = (id: string, state: RunState): DomainError =>
  new DomainError('conflict', 'run_ended', `run "${id}" has ended as ${state}: resume it before ending it otherwise`)

/** A value that is there and another that was sent. */
export interface ParamChange {
  readonly key: string
  readonly from: string
  readonly to: string
}

/** Of one change or more; the message tells the first, the facts all. */
export function paramsChanged(id: string, changes: readonly ParamChange[]): DomainError {
  const { key, from, to } = changes[0]!
  const message = `param "${key}" of run "${id}" is "${short(from)}" and stays so ("${short(to)}" was sent): start another run for another value`
  return new DomainError('conflict', 'param_changed', message, { id, changes })
}

const shownLength = 60
const short = (text: string): string => (text.length > shownLength ? `${text.slice(0, shownLength)}…` : text)
