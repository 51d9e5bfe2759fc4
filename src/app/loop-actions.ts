// What the loop engine can have done, wired to the stages. Each is idempotent under its command's id.
import type { Actor } from '../governance/audit.ts'
import type { LoopActions } from '../loop/actions.ts'
import { putFirstChampion } from '../loop/definitions.ts'
import { modelName } from '../loop/training-pipeline.ts'
import type { LoopSpec } from '../loop/spec.ts'
import { parseVersion } from '../models/model-version.ts'
import { watermarkMs } from '../monitoring/watermark.ts'
import type { PipelineEngine } from '../pipelines/engine.ts'
import type { Labels } from '../pipelines/pipeline-run.ts'
import { transact, type Connection } from '../platform/database.ts'
import { startRollout, takeBackPromotion } from '../rollouts/rollouts.ts'
import { ingestStepSpec } from './data-work.ts'
import type { Tables } from './tables.ts'

export interface LoopActionDeps {
  readonly db: Connection<Tables>
  readonly engine: PipelineEngine
  readonly clock: () => number
  readonly ids: (prefix: string) => string
}

// A pipeline run has its command's id: begun again it is found, and its end is heard even if nobody wrote down that it had begun.
export function createLoopActions({ db, engine, clock, ids }: LoopActionDeps): LoopActions {
  const actorFor = (spec: LoopSpec): Actor => ({ name: `loop:${spec.name}`, clock, ids })
  return {
    async startIngest({ commandId, spec, specVersion }) {
      const { name, expectations, ...request } = spec.dataset
      const step = await ingestStepSpec(
        { db, nowMs: clock() },
        { ...request, dataset: name, expectations: { name, expectations }, mode: 'replace' },
      )
      await engine.startRun(db, actorFor(spec), {
        id: commandId,
        spec: { name: `${spec.name}.ingest`, steps: [step] },
        reason: `the loop "${spec.name}" reads its source`,
        labels: labelsOf(spec, specVersion),
      })
      return { reference: commandId }
    },
    async startTraining({ commandId, spec, specVersion, pipeline }) {
      await engine.startRun(db, actorFor(spec), {
        id: commandId,
        spec: pipeline,
        reason: `the loop "${spec.name}" trains`,
        labels: labelsOf(spec, specVersion),
      })
      return { reference: commandId }
    },
    async goLive({ spec, modelVersion, reason }) {
      await transact(db, (trx) => putFirstChampion(trx, actorFor(spec), { spec, modelVersion, reason }))
    },
    async takeBack({ spec, rollout, reason }) {
      const nowMs = (await policyNowMs(db, spec)) ?? clock()
      await takeBackPromotion(db, actorFor(spec), { rollout, reason, nowMs })
    },
    async startRollout({ commandId, spec, challenger, reason }) {
      const nowMs = (await policyNowMs(db, spec)) ?? clock()
      const { version } = parseVersion(challenger)
      const { id } = await startRollout(db, actorFor(spec), {
        endpoint: spec.endpoint.name,
        model: modelName(spec),
        version,
        policy: spec.rollout,
        nowMs,
        reason,
        key: commandId,
      })
      return { reference: id }
    },
  }
}

/** By its version, the definition and the code that the loop had then are found again, whatever is applied meanwhile. */
const labelsOf = (spec: LoopSpec, version: number): Labels => ({ loop: spec.name, loop_version: String(version) })

const policyNowMs = (db: Connection<Tables>, spec: LoopSpec): Promise<number | undefined> =>
  spec.clock.kind === 'event' ? watermarkMs(db, spec.endpoint.name) : Promise.resolve(undefined)
