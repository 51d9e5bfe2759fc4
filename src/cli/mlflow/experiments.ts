// All experiments of a home, a page at a time.
import type { Experiment } from '../../experiments/experiment.ts'
import { listExperiments } from '../../experiments/experiments.ts'
import type { ExperimentTables } from '../../experiments/tables.ts'
import type { Db } from '../../platform/database.ts'

const pageRows = 1000

/** Deleted ones too. */
export async function allExperiments(db: Db<ExperimentTables>): Promise<readonly Experiment[]> {
  const all: Experiment[] = []
  for (let before: number | undefined; ;) {
    const page = await listExperiments(db, { limit: pageRows, withDeleted: true, before })
    all.push(...page)
    if (page.length < pageRows) return all
    before = page.at(-1)?.id
  }
}
