// MLflow's methods that search runs, experiments and the datasets that runs read.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { readRunLinks, readRunSummaries } from '../../experiments/reading.ts'
import { searchDatasets } from '../../experiments/search-datasets.ts'
import { searchExperiments } from '../../experiments/search-experiments.ts'
import { findRuns, type SearchDeps } from '../../experiments/search.ts'
import { chunksOf } from '../../platform/chunks.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { Int64, Run, ViewType } from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentOf, runOf } from './entities.ts'
import { experimentIdOf } from './experiment-ids.ts'
import { experimentConditionOf, experimentOrdersOf, runConditionOf, runOrdersOf } from './search-conditions.ts'

const read = 'run.read' as const
const runsPerPage = 1000
const resultsMax = 50_000
const datasetExperimentsMax = 20
/** Read at once; between two of them the server answers others. */
const runsPerTurn = 100

export const searchMethods: Methods<SearchDeps> = {
  searchRuns: {
    permission: read,
    async handle(deps, { request }) {
      const limit = limitOf(request.max_results ?? runsPerPage)
      const condition = runConditionOf(request.filter)
      const orderBy = runOrdersOf(request.order_by)
      const experimentIds = (request.experiment_ids ?? []).map(experimentIdOf)
      const view = viewOf(request.run_view_type)
      const after = request.page_token || undefined
      const { ids, next } = await findRuns(deps, { condition, orderBy, experimentIds, limit, view, after })
      return { runs: listOf(await readRuns(deps, ids)), next_page_token: next }
    },
  },
  searchExperiments: {
    permission: read,
    async handle(deps, { request }) {
      const limit = limitOf(request.max_results ?? 0)
      const condition = experimentConditionOf(request.filter)
      const orderBy = experimentOrdersOf(request.order_by)
      const view = viewOf(request.view_type)
      const after = request.page_token || undefined
      const { experiments, next } = await searchExperiments(deps, { condition, orderBy, limit, view, after })
      return { experiments: listOf(experiments.map(experimentOf)), next_page_token: next }
    },
  },
  searchDatasets: {
    permission: read,
    async handle(deps, { request }) {
      const ids = request.experiment_ids ?? []
      if (ids.length === 0) throw invalidParameter('SearchDatasets request must specify at least one experiment_id.')
      if (ids.length > datasetExperimentsMax) {
        throw invalidParameter(
          `SearchDatasets request cannot specify more than ${datasetExperimentsMax} experiment_ids. Received ${ids.length} experiment_ids.`,
        )
      }
      const found = await searchDatasets(deps, ids.map(experimentIdOf))
      const summaries = found.map(({ experimentId, name, digest, context }) => ({
        experiment_id: String(experimentId),
        name,
        digest,
        context: context ?? undefined,
      }))
      return { dataset_summaries: listOf(summaries) }
    },
  },
}

/** MLflow's server leaves a list out that is empty. */
const listOf = <T>(items: readonly T[]): readonly T[] | undefined => (items.length === 0 ? undefined : items)

async function readRuns({ db }: SearchDeps, ids: readonly string[]): Promise<Run[]> {
  const runs: Run[] = []
  for (const chunk of chunksOf(ids, runsPerTurn)) {
    const links = await readRunLinks(db, chunk)
    const summaries = await readRunSummaries(db, chunk)
    // As MLflow's: a search tells what a run read of datasets, and `runs/get` its models too.
    runs.push(...summaries.map((run) => runOf(run, { ...links.get(run.id)!, modelInputs: [] })))
    if (runs.length < ids.length) await nextTurn()
  }
  return runs
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function limitOf(value: Int64): number {
  const wanted = Number(value)
  const refused = (must: string): Error =>
    invalidParameter(`Invalid value ${value} for parameter 'max_results' supplied. It must be ${must}`)
  if (wanted < 1) throw refused('a positive integer')
  if (wanted > resultsMax) throw refused(`at most ${resultsMax}`)
  return wanted
}

const viewOf = (view: ViewType = 'ACTIVE_ONLY'): 'active' | 'deleted' | 'all' =>
  view === 'ACTIVE_ONLY' ? 'active' : view === 'DELETED_ONLY' ? 'deleted' : 'all'
