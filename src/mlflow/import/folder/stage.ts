// An mlruns folder, as MLflow 2 and 3 write it without a database, read into the tables that its database has.
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { attempt, pairRows, type ExperimentFolder, type FolderDeps } from './deps.ts'
import { stageLoggedModel } from './logged-model.ts'
import { localPathOf } from './places.ts'
import { stageRegistry } from './registry.ts'
import { stageRun } from './run.ts'
import { stageTrace } from './trace.ts'
import { damage, listingOf, notFollowed, readPairs } from './tree.ts'
import { id, integer, orNull, readYaml, stage } from './yaml.ts'

const Experiment = z.object({
  experiment_id: id,
  name: z.string().min(1),
  artifact_location: orNull(z.string()),
  lifecycle_stage: stage,
  creation_time: orNull(integer),
  last_update_time: orNull(integer),
})

const Dataset = z.object({
  name: z.string(),
  digest: z.string(),
  source_type: z.string(),
  source: z.string(),
  schema: orNull(z.string()),
  profile: orNull(z.string()),
})

const trash = '.trash'
const registry = 'models'
const ofRoot = new Set([trash, registry])
const ofExperiment = new Set(['tags', 'datasets', 'traces', registry])

/**
 * What it was finished with before is not read again. What cannot be read is noted by its name, and stops nothing else.
 * @throws DomainError import_source when there is nothing of MLflow's in the folder
 */
export async function stageFolder(given: FolderDeps, tell: (what: string) => void): Promise<void> {
  const deps = { ...given, root: await realpath(given.root) }
  const counts = { runs: 0, traces: 0 }
  const count = (kind: keyof typeof counts): void => {
    counts[kind] += 1
    tell(`read ${counts.runs} runs, ${counts.traces} traces`)
  }
  let found = 0
  const each = async (parent: string): Promise<void> => {
    const { folders, others } = await listingOf(parent)
    for (const name of others) if (!ofRoot.has(name)) deps.note(notFollowed(join(parent, name)).message)
    for (const name of folders) {
      const path = join(parent, name)
      if (!/^\d{1,19}$/v.test(name)) continue
      found += 1
      await attempt(deps, `The experiment in ${path}`, async () => {
        const experiment = await stageExperiment(deps, { path, name, isDeleted: parent !== deps.root })
        await stageParts(deps, experiment, count)
      })
    }
  }
  await each(deps.root)
  await attempt(deps, 'Deleted experiments', () => each(join(deps.root, trash)))
  if (found === 0) throw damage(deps.root, 'holds no experiment of MLflow: name the folder mlruns itself')
  await attempt(deps, 'Registered models', () => stageRegistry(deps))
}

async function stageExperiment(
  { staging }: FolderDeps,
  { path, name, isDeleted }: { path: string; name: string; isDeleted: boolean },
): Promise<ExperimentFolder> {
  const meta = await readYaml(join(path, 'meta.yaml'), Experiment)
  const experiment_id = Number.isSafeInteger(Number(name)) ? Number(name) : BigInt(name)
  if (meta.experiment_id !== String(experiment_id) || BigInt.asIntN(64, BigInt(name)) !== BigInt(name))
    throw damage(path, `says that it is the experiment ${meta.experiment_id}`)
  const known = await staging.all('select experiment_id from experiments where name = ? and experiment_id <> ?', [
    meta.name,
    experiment_id,
  ])
  if (known[0]) throw damage(path, `has the name of the experiment ${known[0]['experiment_id']}: "${meta.name}"`)
  const location = meta.artifact_location ?? ''
  staging.insert('experiments', [
    {
      experiment_id,
      name: meta.name,
      // A place of this machine becomes one of the home's: only that it is one matters.
      artifact_location: localPathOf(location) === undefined ? location : path,
      lifecycle_stage: isDeleted ? 'deleted' : (meta.lifecycle_stage ?? 'active'),
      creation_time: meta.creation_time,
      last_update_time: meta.last_update_time,
    },
  ])
  const tags = await readPairs(join(path, 'tags'))
  staging.insert(
    'experiment_tags',
    pairRows(tags, (key, value) => ({ key, value, experiment_id })),
  )
  return { path, id: experiment_id }
}

async function stageParts(
  deps: FolderDeps,
  experiment: ExperimentFolder,
  count: (kind: 'runs' | 'traces') => void,
): Promise<void> {
  const { path } = experiment
  const each = async (
    folder: string,
    what: 'dataset' | 'logged model' | 'run' | 'trace',
    read: (deps: FolderDeps, experiment: ExperimentFolder, name: string) => Promise<void>,
  ): Promise<void> => {
    const { folders, others } = await listingOf(folder)
    const isOther = (name: string): boolean => folder === path && ofExperiment.has(name)
    for (const name of others) if (!isOther(name)) deps.note(notFollowed(join(folder, name)).message)
    for (const name of folders) {
      if (isOther(name)) continue
      const part = join(folder, name)
      await attempt(deps, `The ${what} ${name} of the experiment ${experiment.id}`, async () => {
        if (deps.staging.isFinished(part) || (folder === path && !(await isRun(part)))) return
        await readPart(deps, part, (noting) => read(noting, experiment, name))
        if (what === 'run' || what === 'trace') count(`${what}s`)
      })
    }
  }
  const kinds = [
    { folder: join(path, 'datasets'), what: 'dataset', read: stageDataset },
    { folder: path, what: 'run', read: stageRun },
    { folder: join(path, registry), what: 'logged model', read: stageLoggedModel },
    { folder: join(path, 'traces'), what: 'trace', read: stageTrace },
  ] as const
  for (const { folder, what, read } of kinds)
    await attempt(deps, `The ${what}s of the experiment ${experiment.id}`, () => each(folder, what, read))
}

/** What there is to tell of it is told again by an import that goes on. */
async function readPart(deps: FolderDeps, part: string, read: (deps: FolderDeps) => Promise<void>): Promise<void> {
  let isWhole = true
  const note = (what: string): void => {
    isWhole = false
    deps.note(what)
  }
  await read({ ...deps, note })
  if (isWhole) deps.staging.finish(part)
}

/** Artifacts of runs may lie in folders beside them: those have none of these. */
async function isRun(folder: string): Promise<boolean> {
  const { folders, files, others } = await listingOf(folder)
  return [...files, ...others].includes('meta.yaml') || folders.includes('metrics') || folders.includes('params')
}

async function stageDataset({ staging }: FolderDeps, experiment: ExperimentFolder, name: string): Promise<void> {
  const meta = await readYaml(join(experiment.path, 'datasets', name, 'meta.yaml'), Dataset)
  staging.insert('datasets', [
    {
      dataset_uuid: `${experiment.id}/${name}`,
      experiment_id: experiment.id,
      name: meta.name,
      digest: meta.digest,
      dataset_source_type: meta.source_type,
      dataset_source: meta.source,
      dataset_schema: meta.schema,
      dataset_profile: meta.profile,
    },
  ])
}
