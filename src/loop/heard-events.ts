// Which events the loop hears, and what each means to which loop.
import { z } from 'zod'
import { findDataset, getProfile, getVersion, type DatasetTables } from '../data/dataset-store.ts'
import type { DatasetVersion } from '../data/dataset.ts'
import type { Db } from '../platform/database.ts'
import type { StoredEvent } from '../platform/events.ts'
import { findCommandByReference, type CommandTables, type StoredCommand } from './command-store.ts'
import { findAppliedSpec, listLoopNames, type LoopTables } from './loop-store.ts'
import { Measured, type LoopInput } from './policy-state.ts'
import { gateStep, PipelineGateOutput } from './training-pipeline.ts'
import type { LoopSpec } from './spec.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs' | 'eventSeq'> : never

export interface HeardInput {
  readonly loop: string
  readonly input: WithoutTime<LoopInput>
}

/** Payloads of the loop's own events; the routes and `apply` write them. */
export const LoopApplied = z.object({
  loop: z.string(),
  specVersion: z.int(),
  actor: z.string(),
  retrainFor: z.array(z.string()),
})
export const LoopAsked = z.object({ loop: z.string(), actor: z.string(), reason: z.string() })
export const CandidateProposed = LoopAsked.extend({ onnx: z.string() })

// Of other stages' payloads only what the loop needs is looked at, so that they may grow.
const Alert = z.object({
  endpoint: z.string(),
  monitor: z.string(),
  sentence: z.string(),
  closeReason: z.string().optional(),
  ...Measured.shape,
})
const DatasetVersionCreated = z.object({ dataset: z.string(), version: z.int() })
const PipelineRunFinished = z.object({
  id: z.string(),
  state: z.string(),
  outputs: z.record(z.string(), z.unknown()).default({}),
  /** The step that failed, if one did. */
  error: z.object({ step: z.string(), message: z.string().nullable() }).nullish(),
})
const RolloutFinished = z.object({
  id: z.string(),
  outcome: z.enum(['promoted', 'rolled_back', 'inconclusive']),
  sentence: z.string(),
})
const AliasMoved = z.object({
  model: z.string(),
  alias: z.string(),
  to: z.int().nullable(),
  reason: z.string(),
  /** False where the version has no graph: it is no champion that a loop could compare with. */
  servable: z.boolean().default(true),
})

export const heardEventTypes = [
  'loop.applied',
  'loop.retrain_requested',
  'loop.candidate_proposed',
  'loop.paused',
  'loop.resumed',
  'monitor.alert_opened',
  'monitor.alert_closed',
  'dataset.version_created',
  'pipeline_run.finished',
  'rollout.finished',
  'alias.moved',
] as const

export type HeardTables = LoopTables & CommandTables & DatasetTables
type Tables = HeardTables

/** Empty for an event that concerns no loop. */
export async function hearEvent(db: Db<Tables>, { type, payload }: StoredEvent): Promise<HeardInput[]> {
  switch (type as (typeof heardEventTypes)[number]) {
    case 'loop.applied': {
      const { loop, ...applied } = LoopApplied.parse(payload)
      return [...(await hearKnownRows(db, loop)), { loop, input: { kind: 'applied', ...applied } }]
    }
    case 'loop.retrain_requested':
      return [asked('manual', payload)]
    case 'loop.candidate_proposed': {
      const { loop, ...proposed } = CandidateProposed.parse(payload)
      return [{ loop, input: { kind: 'proposed', ...proposed } }]
    }
    case 'loop.paused':
      return [asked('paused', payload)]
    case 'loop.resumed':
      return [asked('resumed', payload)]
    case 'monitor.alert_opened':
    case 'monitor.alert_closed':
      return hearAlert(db, type === 'monitor.alert_opened' ? 'alert_opened' : 'alert_closed', payload)
    case 'dataset.version_created':
      return hearDatasetVersion(db, payload)
    case 'pipeline_run.finished':
      return hearPipelineRun(db, payload)
    case 'rollout.finished': {
      const { id, outcome, sentence } = RolloutFinished.parse(payload)
      const { loop, command } = (await findCommandByReference(db, id)) ?? {}
      if (!loop || !command) return []
      return [{ loop, input: { kind: 'rolled_out', command: command.id, rollout: id, outcome, sentence } }]
    }
    case 'alias.moved':
      return hearAlias(db, payload)
  }
}

function asked(kind: 'manual' | 'paused' | 'resumed', payload: unknown): HeardInput {
  const { loop, actor, reason } = LoopAsked.parse(payload)
  return { loop, input: { kind, actor, reason } }
}

async function loopsWhere(db: Db<Tables>, matches: (spec: LoopSpec) => boolean): Promise<string[]> {
  const names = await listLoopNames(db)
  const applied = await Promise.all(names.map((name) => findAppliedSpec(db, name)))
  return applied.flatMap((each) => (each && matches(each.spec) ? [each.spec.name] : []))
}

/** Where no window closed the alert, its last window's numbers would mislead. */
const closedBy: Readonly<Record<string, string>> = {
  version_replaced: 'the version that it looked at no longer is champion',
  monitor_changed: 'its definition was changed',
}

async function hearAlert(
  db: Db<Tables>,
  kind: 'alert_opened' | 'alert_closed',
  payload: unknown,
): Promise<HeardInput[]> {
  const { endpoint, monitor, closeReason, ...alert } = Alert.parse(payload)
  const { version, signal, value, threshold, n } = alert
  const sentence = (closeReason && closedBy[closeReason]) ?? alert.sentence
  const loops = await loopsWhere(db, (spec) => spec.endpoint.name === endpoint)
  const input =
    kind === 'alert_opened'
      ? { kind, monitor, sentence, measured: { version, signal, value, threshold, n } }
      : { kind, monitor, sentence }
  return loops.map((loop) => ({ loop, input }))
}

async function hearDatasetVersion(db: Db<Tables>, payload: unknown): Promise<HeardInput[]> {
  const { dataset, version } = DatasetVersionCreated.parse(payload)
  const loops = await loopsWhere(db, (spec) => spec.dataset.name === dataset)
  if (loops.length === 0) return []
  const input = await datasetInput(db, await getVersion(db, { dataset, ref: { version } }))
  return loops.map((loop) => ({ loop, input }))
}

/** The dataset of a new loop may have versions already; another loop, or a person, has ingested them. */
async function hearKnownRows(db: Db<Tables>, loop: string): Promise<HeardInput[]> {
  const name = (await findAppliedSpec(db, loop))?.spec.dataset.name
  if (name === undefined || !(await findDataset(db, name))) return []
  return [{ loop, input: await datasetInput(db, await getVersion(db, { dataset: name, ref: 'latest' })) }]
}

async function datasetInput(db: Db<Tables>, found: DatasetVersion): Promise<HeardInput['input']> {
  const { dataset, version, rows, quarantinedRows, timeColumn } = found
  const { columns } = await getProfile(db, { dataset, version })
  // The histogram's end is the newest moment, in milliseconds.
  const newestMs = columns.find(({ name }) => name === timeColumn)?.histogram?.to
  return {
    kind: 'dataset_version',
    version: `${dataset}/${version}`,
    rows,
    quarantinedRows,
    timeMaxMs: newestMs === undefined ? null : Math.floor(newestMs),
  }
}

async function hearAlias(db: Db<Tables>, payload: unknown): Promise<HeardInput[]> {
  const { model, alias, to, reason, servable } = AliasMoved.parse(payload)
  if (alias !== 'champion' || to === null || !servable) return []
  const loops = await loopsWhere(db, (spec) => spec.name === model)
  return loops.map((loop) => ({ loop, input: { kind: 'champion_moved', modelVersion: `${model}/${to}`, reason } }))
}

async function hearPipelineRun(db: Db<Tables>, payload: unknown): Promise<HeardInput[]> {
  const run = PipelineRunFinished.parse(payload)
  const begun = await findCommandByReference(db, run.id)
  return begun ? [{ loop: begun.loop, input: pipelineInput(begun, run) }] : []
}

function pipelineInput(
  { command }: StoredCommand,
  { id, state, outputs, error }: z.infer<typeof PipelineRunFinished>,
): HeardInput['input'] {
  const failed = (why: string): HeardInput['input'] => ({
    kind: 'failed',
    command: command.id,
    pipelineRun: id,
    reason: why,
  })
  if (error) return failed(`step ${error.step} of pipeline run ${id} failed: ${error.message ?? 'it gave no reason'}`)
  if (state !== 'succeeded') return failed(`pipeline run ${id} was ${state}`)
  if (command.kind === 'start_ingest') return { kind: 'ingested', command: command.id }
  const gate = PipelineGateOutput.safeParse(outputs[gateStep])
  if (!gate.success) return failed(`pipeline run ${id} ended without a gate result`)
  const { version: modelVersion, gate: gateId, passed, sentence } = gate.data
  return { kind: 'gated', command: command.id, passed, modelVersion, gate: gateId, pipelineRun: id, sentence }
}
