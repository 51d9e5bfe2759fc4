// Every table and migration of the program: the only place that knows them all.
import { artifactMigrations } from '../artifacts/migrations.ts'
import type { DataChangeTables } from '../data/dataset-versions.ts'
import { dataMigrations } from '../data/migrations.ts'
import { experimentMigrations } from '../experiments/migrations.ts'
import type { LoggedModelTables } from '../experiments/logged-models.ts'
import type { RecordingTables } from '../experiments/recording.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import type { WebhookTables } from '../governance/webhook-store.ts'
import { labellingMigrations } from '../labelling/migrations.ts'
import type { LabellingTables } from '../labelling/tables.ts'
import type { LoopEngineTables } from '../loop/loop-engine.ts'
import { loopMigrations } from '../loop/migrations.ts'
import type { LoopRouteTables } from '../loop/routes.ts'
import { modelMigrations } from '../models/migrations.ts'
import type { ModelRouteTables } from '../models/routes.ts'
import type { EvaluationTables } from '../monitoring/evaluation.ts'
import { monitoringMigrations } from '../monitoring/migrations.ts'
import { pipelineMigrations } from '../pipelines/migrations.ts'
import type { EngineTables } from '../pipelines/step-transitions.ts'
import type { Migrations } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { jobMigrations } from '../platform/jobs.ts'
import { rolloutMigrations } from '../rollouts/migrations.ts'
import type { RolloutDatabase } from '../rollouts/traffic-moves.ts'
import { servingMigrations } from '../serving/migrations.ts'
import type { ServingTables } from '../serving/routes.ts'
import { tracingMigrations } from '../tracing/migrations.ts'
import type { TraceTables } from '../tracing/tables.ts'

// An interface, not an intersection: the compiler compares it by name.
export interface Tables
  extends
    DataChangeTables,
    EngineTables,
    RecordingTables,
    LoggedModelTables,
    LabellingTables,
    TraceTables,
    ModelRouteTables,
    ServingTables,
    EvaluationTables,
    RolloutDatabase,
    LoopEngineTables,
    LoopRouteTables,
    WebhookTables {}

export const migrations: Migrations = {
  ...eventMigrations,
  ...jobMigrations,
  ...governanceMigrations,
  ...dataMigrations,
  ...pipelineMigrations,
  ...artifactMigrations,
  ...experimentMigrations,
  ...tracingMigrations,
  ...labellingMigrations,
  ...modelMigrations,
  ...servingMigrations,
  ...monitoringMigrations,
  ...rolloutMigrations,
  ...loopMigrations,
}
