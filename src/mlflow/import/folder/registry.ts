// The folder of registered models, and of prompts, which are such models.
import { join } from 'node:path'
import { z } from 'zod'
import { attempt, pairRows, type FolderDeps } from './deps.ts'
import { sourceOf } from './places.ts'
import { damage, foldersOf, listingOf, notFollowed, readPairs } from './tree.ts'
import { integer, orNull, readYaml } from './yaml.ts'

const Meta = z.object({
  name: z.string(),
  description: orNull(z.string()),
  creation_timestamp: orNull(integer),
  last_updated_timestamp: orNull(integer),
})

const Version = z.object({
  version: z.union([
    z.int().positive(),
    z
      .string()
      .regex(/^\d{1,9}$/v)
      .transform(Number),
  ]),
  description: orNull(z.string()),
  user_id: orNull(z.string()),
  current_stage: z.enum(['None', 'Staging', 'Production', 'Archived', 'Deleted_Internal']).nullish(),
  source: orNull(z.string()),
  storage_location: orNull(z.string()),
  run_id: orNull(z.string()),
  run_link: orNull(z.string()),
  status: orNull(z.string()),
  status_message: orNull(z.string()),
  creation_timestamp: orNull(integer),
  last_updated_timestamp: orNull(integer),
})

/** After runs and logged models, whose files versions are of. */
export async function stageRegistry(deps: FolderDeps): Promise<void> {
  const models = join(deps.root, 'models')
  const { folders, others } = await listingOf(models)
  for (const name of others) deps.note(`${notFollowed(join(models, name)).message}`)
  for (const name of folders)
    await attempt(deps, `The registered model "${name}"`, () => stageModel(deps, join(models, name)))
}

async function stageModel(deps: FolderDeps, folder: string): Promise<void> {
  const { staging } = deps
  const meta = await readYaml(join(folder, 'meta.yaml'), Meta)
  const { name } = meta
  const tags = await readPairs(join(folder, 'tags'))
  staging.insert(
    'registered_model_tags',
    pairRows(tags, (key, value) => ({ key, value, name })),
  )
  for (const child of await foldersOf(folder))
    if (child.startsWith('version-')) await stageVersion(deps, { name, folder: join(folder, child) })
  const aliases = await readPairs(join(folder, 'aliases'))
  const rows = pairRows(aliases, (alias, version) => ({ alias, version: Number(version.trim()), name }))
  for (const { alias, version } of rows)
    if (!Number.isSafeInteger(version)) throw damage(join(folder, 'aliases', alias), 'names no version')
  staging.insert('registered_model_aliases', rows)
  const { description, creation_timestamp: creation_time, last_updated_timestamp: last_updated_time } = meta
  staging.insert('registered_models', [{ name, description, creation_time, last_updated_time }])
}

async function stageVersion(deps: FolderDeps, { name, folder }: { name: string; folder: string }): Promise<void> {
  const { staging } = deps
  const meta = await readYaml(join(folder, 'meta.yaml'), Version)
  const { creation_timestamp: creation_time, last_updated_timestamp: last_updated_time, ...rest } = meta
  const located = async (source: string | null) => (source === null ? null : await sourceOf(deps, source))
  staging.insert('model_versions', [
    {
      ...rest,
      name,
      current_stage: meta.current_stage ?? 'None',
      source: await located(meta.source),
      storage_location: await located(meta.storage_location),
      creation_time,
      last_updated_time,
    },
  ])
  const tags = await readPairs(join(folder, 'tags'))
  staging.insert(
    'model_version_tags',
    pairRows(tags, (key, value) => ({ key, value, name, version: meta.version })),
  )
}
