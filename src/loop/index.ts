// The package's public entry: what a loop file imports from 'trueloop'.
export { binary, dataset, loop, multiclass, regression, retrain } from './builders/loop.ts'
export { expect } from './builders/expectations.ts'
export { gate } from './builders/gates.ts'
export { monitor } from './builders/monitors.ts'
export { rollout } from './builders/rollouts.ts'
export { csv, http, json, ndjson, parquet, postgres } from './builders/sources.ts'
export { command, gradientBoosting, linearRegression, logisticRegression } from './builders/trainers.ts'

export type { DatasetOptions, LoopOptions, RetrainOptions, RetrainTrigger, TrainingOptions } from './builders/loop.ts'
export type { Duration } from './duration.ts'
export type { LoopSpec } from './spec.ts'
