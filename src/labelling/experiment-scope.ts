// The experiment that something of labelling belongs to.
import { experimentDeleted, experimentNotFound, type Experiment } from '../experiments/experiment.ts'
import { getExperiment } from '../experiments/experiments.ts'
import type { ExperimentTables } from '../experiments/tables.ts'
import type { Db } from '../platform/database.ts'

/** Deleted experiments are told as such. @throws DomainError experiment_not_found, experiment_deleted */
export async function activeExperiment(db: Db<ExperimentTables>, id: number): Promise<Experiment> {
  const experiment = await getExperiment(db, id)
  if (experiment.deletedAtMs !== null) throw experimentDeleted(experiment)
  return experiment
}

/** Deleted experiments are as if they were not there. @throws DomainError experiment_not_found */
export async function assertExperiment(db: Db<ExperimentTables>, id: number): Promise<void> {
  const experiment = await getExperiment(db, id)
  if (experiment.deletedAtMs !== null) throw experimentNotFound(id)
}
