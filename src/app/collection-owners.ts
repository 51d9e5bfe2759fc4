// Runs, logged models and experiments that were deleted, and their end: all rows and files that are theirs, in small transactions.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql, type RawBuilder } from 'kysely'
import { treePathOf } from '../artifacts/artifact.ts'
import { outsideRepository, type ArtifactPlaces, type OutsideRepository } from '../artifacts/artifact-repository.ts'
import { deleteTree, listFiles } from '../artifacts/artifacts.ts'
import { recordAudit, type Actor } from '../governance/audit.ts'
import { on, transact, type Connection } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import type { Tables } from './tables.ts'

export type OwnerKind = 'run' | 'logged_model' | 'trace' | 'experiment'

export interface Owner {
  readonly kind: OwnerKind
  /** A trace's is its short number. */
  readonly id: string | number
  /** Where its files are in the tree; undefined: elsewhere, or nowhere. */
  readonly tree: string | undefined
  /** Where they are otherwise. */
  readonly outside: string | undefined
}

/** Rows of a table that go with an owner. */
interface Belonging {
  readonly table: string
  /** That names the owner, or what `through` says. */
  readonly column: string
  /** The rows are of this other table's rows: `column` holds its `key`, and its `owner` names the owner. */
  readonly through?: { readonly table: string; readonly key: string; readonly owner: string }
  /** Columns that tell rows apart, where one owner may have more than one transaction takes. */
  readonly steps?: readonly string[]
  /** Only rows of this kind. */
  readonly kind?: string
}

const queues = { table: 'review_queue', key: 'id', owner: 'experiment_id' }
const series = { table: 'run_metric', key: 'series', owner: 'run_id' }

/** In the order in which they go. A test holds that nothing that names an owner is left out. */
export const belongings: Readonly<Record<OwnerKind, readonly Belonging[]>> = {
  run: [
    { table: 'metric_point', column: 'series', through: series, steps: ['series', 'step', 'at_ms', 'value', 'is_nan'] },
    { table: 'metric_bucket', column: 'series', through: series, steps: ['series', 'bits', 'bucket'] },
    { table: 'run_metric', column: 'run_id', steps: ['series'] },
    {
      table: 'logged_model_metric',
      column: 'run_id',
      steps: ['model_id', 'key', 'at_ms', 'step', 'run_id', 'value', 'is_nan'],
    },
    { table: 'run_param', column: 'run_id' },
    { table: 'run_tag', column: 'run_id' },
    { table: 'run_dataset', column: 'run_id' },
    { table: 'run_model_input', column: 'run_id' },
    { table: 'run_model_output', column: 'run_id' },
    { table: 'trace_link', column: 'target', kind: 'run' },
  ],
  logged_model: [
    {
      table: 'logged_model_metric',
      column: 'model_id',
      steps: ['model_id', 'key', 'at_ms', 'step', 'run_id', 'value', 'is_nan'],
    },
    { table: 'logged_model_param', column: 'model_id' },
    { table: 'logged_model_tag', column: 'model_id' },
    { table: 'run_model_input', column: 'model_id' },
    { table: 'run_model_output', column: 'model_id' },
  ],
  trace: [
    { table: 'span_content', column: 'trace_no', steps: ['trace_no', 'span_id'] },
    { table: 'span', column: 'trace_no', steps: ['trace_no', 'span_id'] },
    { table: 'assessment', column: 'trace_no', steps: ['id'] },
    { table: 'trace_tag', column: 'trace_no' },
    { table: 'trace_metadata', column: 'trace_no' },
    { table: 'trace_link', column: 'trace_no' },
    { table: 'review_item', column: 'trace_id', through: { table: 'trace', key: 'id', owner: 'no' } },
  ],
  experiment: [
    {
      table: 'run_dataset',
      column: 'dataset_id',
      through: { table: 'logged_dataset', key: 'id', owner: 'experiment_id' },
    },
    { table: 'logged_dataset', column: 'experiment_id' },
    { table: 'experiment_tag', column: 'experiment_id' },
    { table: 'evaluation_dataset_experiment', column: 'experiment_id' },
    { table: 'issue', column: 'experiment_id' },
    { table: 'online_scoring', column: 'experiment_id' },
    {
      table: 'online_scoring',
      column: 'scorer_id',
      through: { table: 'scorer', key: 'id', owner: 'experiment_id' },
    },
    { table: 'scorer_version', column: 'scorer_id', through: { table: 'scorer', key: 'id', owner: 'experiment_id' } },
    { table: 'scorer', column: 'experiment_id' },
    { table: 'review_item', column: 'queue_id', through: queues },
    { table: 'review_queue_schema', column: 'queue_id', through: queues },
    { table: 'review_queue_user', column: 'queue_id', through: queues },
    { table: 'review_queue', column: 'experiment_id' },
    { table: 'label_schema', column: 'experiment_id' },
  ],
}

/** The table of the owners themselves, and its key. */
const home: Readonly<Record<OwnerKind, { table: string; key: string }>> = {
  run: { table: 'run', key: 'id' },
  logged_model: { table: 'logged_model', key: 'id' },
  trace: { table: 'trace', key: 'no' },
  experiment: { table: 'experiment', key: 'id' },
}

/** Of one statement: SQLite's connection is synchronous. */
const rowsAtOnce = 2_000

/** Everything of it, and a line in the audit log. Ended half-way, it goes on when it is asked again. Answers how many files went. */
export async function removeOwner(
  { db, places }: { db: Connection<Tables>; places: ArtifactPlaces },
  actor: Actor,
  owner: Owner,
): Promise<number> {
  const files = owner.tree === undefined ? 0 : await deleteTree(db, actor, owner.tree)
  if (owner.outside !== undefined) await clearOutside(places, owner.outside)
  const [few, many] = [
    belongings[owner.kind].filter(({ steps }) => !steps),
    belongings[owner.kind].filter(({ steps }) => steps),
  ]
  for (const belonging of many) {
    // SQLite's statements take no turn of the event loop by themselves: requests get theirs in between.
    while ((await removeRows(db, owner, belonging)) === rowsAtOnce) await nextTurn()
    await nextTurn()
  }
  await transact(db, async (trx) => {
    for (const { table, ...belonging } of few) {
      await sql`delete from ${sql.table(table)} where ${rowsOf(owner, belonging)}`.execute(on(trx))
    }
    const { table, key } = home[owner.kind]
    await sql`delete from ${sql.table(table)} where ${sql.ref(key)} = ${owner.id}`.execute(on(trx))
    if (owner.kind === 'trace') return // Telemetry.
    await recordAudit(trx, actor, {
      action: `${owner.kind}.remove`,
      subject: `${owner.kind}:${owner.id}`,
      detail: { files },
    })
  })
  return files
}

/** What this server does not reach stays where it is. @throws DomainError blob_store_unavailable */
async function clearOutside(places: ArtifactPlaces, uri: string): Promise<void> {
  let place: OutsideRepository
  try {
    place = outsideRepository(places, uri)
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'invalid') return
    throw error
  }
  await place.clear()
}

async function removeRows(
  db: Connection<Tables>,
  owner: Owner,
  { table, steps = [], ...belonging }: Belonging,
): Promise<number> {
  const columns = sql.join(steps.map((name) => sql.ref(name)))
  const rows = sql`select ${columns} from ${sql.table(table)} where ${rowsOf(owner, belonging)} limit ${rowsAtOnce}`
  return transact(db, async (trx) => {
    const { numAffectedRows } = await sql`delete from ${sql.table(table)} where (${columns}) in (${rows})`.execute(
      on(trx),
    )
    return Number(numAffectedRows ?? 0)
  })
}

function rowsOf(owner: Owner, { column, through, kind }: Omit<Belonging, 'table'>): RawBuilder<unknown> {
  const named = through
    ? sql`${sql.ref(column)} in (select ${sql.ref(through.key)} from ${sql.table(through.table)} where ${sql.ref(through.owner)} = ${owner.id})`
    : sql`${sql.ref(column)} = ${owner.id}`
  return kind === undefined ? named : sql`${named} and kind = ${kind}`
}

export interface OwnerPage {
  readonly after?: string | number | undefined
  readonly limit: number
}

/** Which of a kind: those of an experiment, of these ids, or that were deleted before. */
export type OwnerChoice =
  | { readonly experimentId: number }
  | { readonly ids: readonly (string | number)[] }
  | { readonly deletedBeforeMs: number }

export interface FoundOwner extends Owner {
  /** Null: it was not deleted. */
  readonly deletedAtMs: number | null
}

/** In the order of their keys. */
export async function findOwners(
  db: Connection<Tables>,
  kind: OwnerKind,
  { choice, after, limit }: OwnerPage & { choice: OwnerChoice },
): Promise<FoundOwner[]> {
  const rows = await ownerRows(db, kind, { choice, after, limit })
  return rows.map(({ key, uri, location, deleted_at_ms: deletedAtMs }) => ({
    kind,
    id: key,
    tree: treeOf(kind, { key, uri, location }),
    outside: outsideOf(kind, { key, uri }),
    deletedAtMs,
  }))
}

interface OwnerRow {
  readonly key: string | number
  /** Of its artifacts; a trace's id. */
  readonly uri: string
  /** Of the experiment. */
  readonly location: string
  readonly deleted_at_ms: number | null
}

async function ownerRows(
  db: Connection<Tables>,
  kind: OwnerKind,
  { choice, after, limit }: OwnerPage & { choice: OwnerChoice },
): Promise<OwnerRow[]> {
  const { table, key } = home[kind]
  const column = (name: string): RawBuilder<unknown> => sql.ref(`o.${name}`)
  const uri = {
    run: column('artifact_uri'),
    logged_model: column('artifact_uri'),
    trace: column('id'),
    experiment: sql`e.artifact_location`,
  }[kind]
  const deleted = kind === 'trace' ? sql`null` : column('deleted_at_ms')
  const chosen =
    'experimentId' in choice
      ? sql`e.id = ${choice.experimentId}`
      : 'ids' in choice
        ? sql`${column(key)} in (${sql.join([...choice.ids])})`
        : sql`${deleted} < ${choice.deletedBeforeMs}`
  const beyond = after === undefined ? sql`1 = 1` : sql`${column(key)} > ${after}`
  const experiment = sql`inner join experiment e on e.id = ${kind === 'experiment' ? column('id') : column('experiment_id')}`
  const { rows } = await sql<OwnerRow>`
    select ${column(key)} as key, ${uri} as uri, e.artifact_location as location, ${deleted} as deleted_at_ms
    from ${sql.table(table)} o ${experiment}
    where ${chosen} and ${beyond} order by ${column(key)} limit ${limit}`.execute(on(db))
  return rows
}

/** Only a place that bears the owner's name, so that nobody else's files are in it; what is in another place stays there. */
function treeOf(kind: OwnerKind, { key, uri, location }: Omit<OwnerRow, 'deleted_at_ms'>): string | undefined {
  if (kind === 'experiment') return location === `mlflow-artifacts:/${key}` ? String(key) : undefined
  const place = placeOf(kind === 'trace' ? `${location}/traces/${uri}/artifacts` : uri)
  return place?.endsWith(`/${kind === 'trace' ? uri : key}/artifacts`) ? place : undefined
}

/** As for the tree: only a place that bears the owner's name. */
const outsideOf = (kind: OwnerKind, { key, uri }: Pick<OwnerRow, 'key' | 'uri'>): string | undefined =>
  (kind === 'run' || kind === 'logged_model') && placeOf(uri) === undefined && uri.endsWith(`/${key}/artifacts`)
    ? uri
    : undefined

function placeOf(uri: string): string | undefined {
  try {
    return treePathOf(uri)
  } catch {
    return undefined // No path: nothing can be there.
  }
}

/** Digests and sizes of an owner's files, in pages. */
export async function* filesOf(
  db: Connection<Tables>,
  { tree }: Pick<Owner, 'tree'>,
): AsyncIterable<{ digest: string; bytes: number }[]> {
  if (tree === undefined) return
  let after: string | undefined
  for (;;) {
    const files = await listFiles(db, tree, { after, limit: rowsAtOnce })
    if (files.length > 0) yield files.map(({ digest, bytes }) => ({ digest, bytes }))
    after = files.at(-1)?.path
    if (files.length < rowsAtOnce) return
    await nextTurn()
  }
}
