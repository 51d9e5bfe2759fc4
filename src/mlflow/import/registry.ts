// Registered models, and prompts, which are such models, of an MLflow database.
import { isAbsolute, sep } from 'node:path'
import { bringModel, type BroughtVersion } from '../../models/bring-in.ts'
import { transact } from '../../platform/database.ts'
import type { ImportDeps, Tally } from './deps.ts'
import { placeOf } from './files.ts'
import { orNull, textsOf, timeOf } from './rows.ts'
import type { SourceRow } from './source.ts'

/** Those whose name is taken stay behind; answers their names. Deleted versions keep their numbers, and nothing else of them is left anywhere. */
export async function importModels(
  deps: ImportDeps,
  ids: ReadonlyMap<string, number>,
  tally: Tally,
): Promise<string[]> {
  const { db, source } = deps
  const place = (uri: string | null) => (uri === null ? null : relocated(deps, ids, uri))
  const taken: string[] = []
  for (const row of await source.all('select * from registered_models order by name')) {
    const name = String(row['name'])
    const all = await source.all('select * from model_versions where name = ? order by version', [name])
    const there = all.filter((version) => version['current_stage'] !== 'Deleted_Internal')
    const versions: BroughtVersion[] = []
    for (const version of there)
      versions.push(
        await versionOf(source, name, {
          ...version,
          source: await place(orNull(version['source'])),
          storage_location: await place(orNull(version['storage_location'])),
        }),
      )
    const aliases = await source.all('select alias, version from registered_model_aliases where name = ?', [name])
    const tags = textsOf(await source.all('select key, value from registered_model_tags where name = ?', [name]))
    const model = {
      name,
      description: String(row['description'] ?? ''),
      tags: withExperiments(tags, ids),
      lastVersion: Math.max(0, ...all.map((version) => Number(version['version']))),
      createdAtMs: timeOf(row['creation_time']),
      updatedAtMs: timeOf(row['last_updated_time']),
    }
    const known = aliases.map(({ alias, version }) => ({ alias: String(alias), version: Number(version) }))
    if (!(await transact(db, (trx) => bringModel(trx, { model, versions, aliases: known, isLeft })))) {
      taken.push(name)
      continue
    }
    tally.add('registered models')
    tally.add('model versions', versions.length)
  }
  return taken
}

/** A folder of the source's machine. */
const isLeft = (place: string): boolean => place.startsWith('file:') || isAbsolute(place)

async function versionOf(source: ImportDeps['source'], name: string, row: SourceRow): Promise<BroughtVersion> {
  const version = Number(row['version'])
  const tags = await source.all('select key, value from model_version_tags where name = ? and version = ?', [
    name,
    version,
  ])
  const from = orNull(row['source']) || null
  return {
    version,
    description: String(row['description'] ?? ''),
    tags: textsOf(tags),
    stage: String(row['current_stage'] ?? 'None') as BroughtVersion['stage'],
    source: from,
    modelId: /^models:\/(?<id>m-[0-9a-f]{32})$/v.exec(from ?? '')?.groups?.['id'] ?? null,
    runLink: orNull(row['run_link']) || null,
    runId: orNull(row['run_id']) || null,
    storageLocation: orNull(row['storage_location']) || null,
    createdAtMs: timeOf(row['creation_time']),
    updatedAtMs: timeOf(row['last_updated_time']),
  }
}

/** Those of a prompt, in which clients look for the experiments that it is of. */
const experimentsTag = '_mlflow_experiment_ids'

export function withExperiments(
  tags: Record<string, string>,
  ids: ReadonlyMap<string, number>,
): Record<string, string> {
  const told = tags[experimentsTag]
  if (told === undefined) return tags
  const now = told.split(',').map((id) => String(ids.get(id) ?? id))
  return { ...tags, [experimentsTag]: now.join(',') }
}

/** Files of runs and logged models that came over are named by where they are now. */
export async function relocated(
  { source, artifacts }: ImportDeps,
  ids: ReadonlyMap<string, number>,
  uri: string,
): Promise<string> {
  const { folder } = placeOf(uri, { artifacts, own: '' })
  const owner = /(?<id>[^\/]+)\/artifacts(?:\/|$)/v.exec(uri)?.groups?.['id']
  if (folder === undefined || owner === undefined) return uri
  const kinds = [
    { table: 'runs', key: 'run_uuid', location: 'artifact_uri', below: '' },
    { table: 'logged_models', key: 'model_id', location: 'artifact_location', below: 'models/' },
  ]
  for (const { table, key, location, below } of kinds) {
    if (!(await source.columnsOf(table)).has(key)) continue
    const [row] = await source.all(`select * from ${table} where ${key} = ?`, [owner])
    if (!row) continue
    const own = `${ids.get(String(row['experiment_id'])) ?? 0}/${below}${owner}/artifacts`
    const place = placeOf(String(row[location] ?? ''), { artifacts, own })
    if (place.folder === folder) return place.uri
    if (place.folder !== undefined && folder.startsWith(place.folder + sep))
      return place.uri + folder.slice(place.folder.length).replaceAll(sep, '/')
  }
  return uri
}
