// What an import would bring, and what not: counted at the source, written nowhere.
import { tagKeys } from '../../tracing/keys.ts'
import { countFiles, placeOf, type SourceArtifacts } from './files.ts'
import { originTag } from './origin.ts'
import { rowsByKey } from './pages.ts'
import { timeOf } from './rows.ts'
import type { MlflowSource, SourceRow } from './source.ts'

export interface Survey {
  /** Of each kind, as an import of them all counts it. */
  readonly counts: Readonly<Record<string, number>>
  /** What would not come, and why: a sentence each. */
  readonly notes: readonly string[]
}

export interface SurveyDeps {
  readonly source: MlflowSource
  readonly origin: string
  readonly artifacts: SourceArtifacts
  readonly prefix: string
  readonly home: SurveyedHome
}

/** What has names there already. */
export interface SurveyedHome {
  /** Deleted ones too. */
  readonly experiments: readonly { readonly name: string; readonly tags: Readonly<Record<string, string>> }[]
  /** Those of these names that are there. */
  readonly models: (names: readonly string[]) => Promise<readonly { name: string; createdAtMs: number }[]>
}

const kinds: Readonly<Record<string, string>> = {
  experiments: 'experiments',
  runs: 'runs',
  'metric points': 'metrics',
  'logged models': 'logged_models',
  'registered models': 'registered_models',
  'model versions': "model_versions where current_stage is null or current_stage <> 'Deleted_Internal'",
  spans: 'spans',
  traces: 'trace_info',
  'evaluation records': 'evaluation_dataset_records',
  'evaluation datasets': 'evaluation_datasets',
  scorers: 'scorers',
  issues: 'issues',
  'label schemas': 'label_schemas',
  'review queues': 'review_queues',
  webhooks: 'webhooks',
}

/** Kinds that Trueloop does not have. */
const staying: Readonly<Record<string, string>> = {
  endpoints: 'gateway endpoints',
  secrets: 'secrets of the gateway',
  budget_policies: 'budget policies of the gateway',
  guardrails: 'guardrails of the gateway',
  mcp_servers: 'MCP servers',
}

export async function surveyMlflow(deps: SurveyDeps): Promise<Survey> {
  const { source, prefix, home } = deps
  const count = async (what: string): Promise<number> => {
    const [table = ''] = what.split(' ')
    if ((await source.columnsOf(table)).size === 0) return 0
    const [row] = await source.all(`select count(*) as count from ${what}`)
    return Number(row?.['count'])
  }
  const counts: Record<string, number> = {}
  for (const [kind, what] of Object.entries(kinds)) {
    const rows = await count(what)
    if (rows > 0) counts[kind] = rows
  }
  const notes: string[] = []
  for (const [table, what] of Object.entries(staying)) {
    const rows = await count(table)
    if (rows > 0) notes.push(`Would stay behind: ${rows} ${what}`)
  }
  for (const row of await source.all('select experiment_id, name from experiments order by experiment_id')) {
    const name = `${prefix}${String(row['name'])}`
    const known = home.experiments.find((experiment) => experiment.name === name)
    if (!known || Number(row['experiment_id']) === 0) continue
    if (known.tags[originTag] === `${deps.origin}#${String(row['experiment_id'])}`) continue
    notes.push(`Nothing would come: there is an experiment "${name}" already; give --prefix`)
  }
  for await (const rows of source.rows('select name, creation_time from registered_models order by name')) {
    const madeAt = new Map(rows.map((row) => [String(row['name']), timeOf(row['creation_time'])]))
    for (const { name, createdAtMs } of await home.models([...madeAt.keys()]))
      if (madeAt.get(name) !== createdAtMs)
        notes.push(`Would stay behind: the registered model "${name}", there is one of that name`)
  }
  return { counts: { ...counts, ...(await countArtifacts(deps)) }, notes }
}

async function countArtifacts({ source, artifacts }: SurveyDeps): Promise<{ files: number; bytes: number }> {
  const total = { files: 0, bytes: 0 }
  const add = async (location: SourceRow[string] | undefined): Promise<void> => {
    const { files, bytes } = await countFiles(placeOf(String(location ?? ''), { artifacts, own: '' }))
    total.files += files
    total.bytes += bytes
  }
  for await (const row of rowsByKey(source, { table: 'runs', key: 'run_uuid' })) await add(row['artifact_uri'])
  for await (const row of rowsByKey(source, { table: 'logged_models', key: 'model_id' }))
    await add(row['artifact_location'])
  const has = (await source.columnsOf('trace_tags')).has('key')
  const tags = has
    ? source.rows('select value from trace_tags where key = ? and request_id in (select request_id from trace_info)', [
        tagKeys.artifactLocation,
      ])
    : []
  for await (const rows of tags) for (const row of rows) await add(row['value'])
  return total
}
