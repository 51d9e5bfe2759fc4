// Collections: what was deleted goes for good, and then the bytes that nothing names. One at a time, beside all other work.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Actor } from '../governance/audit.ts'
import type { ArtifactPlaces } from '../artifacts/artifact-repository.ts'
import { on, type Connection } from '../platform/database.ts'
import { DomainError, messageOf } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import { idsMax, type Collection, type CollectionRequest } from './collection.ts'
import { deleteTree } from '../artifacts/artifacts.ts'
import { abandonedTraceTrees } from './collection-traces.ts'
import { sweepBlobs, type SweepDeps } from './collection-blobs.ts'
import {
  filesOf,
  findOwners,
  removeOwner,
  type FoundOwner,
  type OwnerChoice,
  type OwnerKind,
} from './collection-owners.ts'
import type { Tables } from './tables.ts'

type Progress = { -readonly [Key in keyof Collection]: Collection[Key] }

export interface CollectionDeps extends SweepDeps {
  /** Besides the tree, that runs and models may keep their files in. */
  readonly places: ArtifactPlaces
  readonly log: Log
}

export interface Collections extends AsyncDisposable {
  /** Begins one. @throws DomainError collection_running, collection_owner */
  start(actor: Actor, request: CollectionRequest): Promise<Collection>
  /** The last one, if it is that. @throws DomainError collection_not_found */
  get(id: string): Collection
  /** Resolves when the one under way has ended. */
  ended(): Promise<void>
}

/** Of bytes that nothing names yet: an upload comes before its name. */
export const blobAgeMinMs = 3_600_000
/** A kernel stamps files by its last tick, and a store on another machine by its own clock. */
const clockSlackMs = 60_000

export function createCollections(deps: CollectionDeps): Collections {
  const stop = new AbortController()
  let last: Progress | undefined
  let work: Promise<void> = Promise.resolve()
  return {
    async start(actor, request) {
      if (last?.state === 'running') throw collectionRunning(last.id)
      const progress = beginning(actor, request)
      last = progress
      try {
        await assertCollectable(deps.db, actor, request)
      } catch (error) {
        last = undefined
        throw error
      }
      work = collect({ ...deps, actor, request, progress, signal: stop.signal })
      return { ...progress }
    },
    get(id) {
      if (last?.id === id) return { ...last }
      throw new DomainError(
        'not_found',
        'collection_not_found',
        `there is no collection "${id}": only the last one is known`,
      )
    },
    ended: () => work,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await work
    },
  }
}

const collectionRunning = (id: string): DomainError =>
  new DomainError('conflict', 'collection_running', `collection "${id}" is under way: wait until it has ended`, { id })

const beginning = (actor: Actor, { isDryRun }: CollectionRequest): Progress => ({
  id: actor.ids('col'),
  state: 'running',
  isDryRun,
  experiments: 0,
  runs: 0,
  loggedModels: 0,
  traces: 0,
  files: 0,
  fileBytes: 0,
  blobs: 0,
  blobBytes: 0,
  startedAtMs: actor.clock(),
  finishedAtMs: null,
  error: null,
})

/** What was named, by kind. @throws DomainError collection_owner */
async function assertCollectable(db: Connection<Tables>, actor: Actor, request: CollectionRequest): Promise<void> {
  const beforeMs = actor.clock() - request.olderThanMs
  for (const [kind, choice] of choicesOf(request, beforeMs)) {
    if (!('ids' in choice)) continue
    const found = await findOwners(db, kind, { choice, limit: idsMax })
    const byId = new Map(found.map((owner) => [String(owner.id), owner]))
    for (const id of choice.ids) {
      const owner = byId.get(String(id))
      if (owner && owner.deletedAtMs !== null && owner.deletedAtMs <= beforeMs) continue
      const why = !owner
        ? 'there is none'
        : owner.deletedAtMs === null
          ? 'it is not deleted'
          : 'it was deleted too recently'
      const what = `${kind.replace('_', ' ')} "${id}" cannot go: ${why}`
      throw new DomainError('conflict', 'collection_owner', `${what}; delete it first, or leave it out`, { kind, id })
    }
  }
}

/** Experiments first: what is in them goes with them. */
function choicesOf(
  { runIds, experimentIds, loggedModelIds }: CollectionRequest,
  beforeMs: number,
): readonly (readonly [OwnerKind, OwnerChoice])[] {
  const named = [
    ['experiment', experimentIds?.map((id) => (/^\d{1,9}$/v.test(id) ? Number(id) : -1))],
    ['run', runIds],
    ['logged_model', loggedModelIds],
  ] as const
  const given = named.flatMap(([kind, some]) => (some ? [[kind, { ids: some }] as const] : []))
  if (given.length > 0) return given.filter(([, { ids: some }]) => some.length > 0)
  return named.map(([kind]) => [kind, { deletedBeforeMs: beforeMs + 1 }] as const)
}

interface Work extends CollectionDeps {
  readonly actor: Actor
  readonly request: CollectionRequest
  readonly progress: Progress
  readonly signal: AbortSignal
}

async function collect(work: Work): Promise<void> {
  const { actor, log, progress, request } = work
  try {
    const taken: Taken = { seen: new Set(), released: new Map() }
    for (const [kind, choice] of choicesOf(request, actor.clock() - request.olderThanMs)) {
      for await (const owner of ownersOf(work, kind, choice)) await takeOwner(work, owner, taken)
    }
    if (!isOfNamed(request)) await takeTraceFiles(work, taken)
    const beforeMs = await blobsBeforeMs(work)
    const sweep = { beforeMs, isDryRun: request.isDryRun, released: taken.released, signal: work.signal }
    const { blobs, bytes } = await sweepBlobs(work, sweep)
    Object.assign(progress, { blobs, blobBytes: bytes, state: 'finished' })
    if (!request.isDryRun) log.info('what was deleted is gone for good', { ...progress })
  } catch (error) {
    Object.assign(progress, { state: 'failed', error: messageOf(error) })
    log.error('a collection failed; the next one goes on', { id: progress.id, error: messageOf(error) })
  }
  progress.finishedAtMs = actor.clock()
}

const isOfNamed = ({ runIds, experimentIds, loggedModelIds }: CollectionRequest): boolean =>
  [runIds, experimentIds, loggedModelIds].some((ids) => ids !== undefined)

async function takeTraceFiles({ actor, db, progress, request, signal }: Work, { released }: Taken): Promise<void> {
  const beforeMs = actor.clock() - Math.max(blobAgeMinMs, request.olderThanMs)
  for await (const tree of abandonedTraceTrees(db, beforeMs)) {
    if (signal.aborted) return
    await countFiles({ progress, request, released }, filesOf(db, { tree }))
    if (!request.isDryRun) await deleteTree(db, actor, tree)
  }
}

const ownersAtOnce = 200

/** Those that are there when their turn comes, and still deleted. */
async function* ownersOf({ db, signal }: Work, kind: OwnerKind, choice: OwnerChoice): AsyncIterable<FoundOwner> {
  let after: string | number | undefined
  for (;;) {
    const owners = await findOwners(db, kind, { choice, after, limit: ownersAtOnce })
    for (const owner of owners) {
      await nextTurn() // SQLite's statements take none by themselves.
      if (signal.aborted) return
      yield owner
    }
    after = owners.at(-1)?.id
    if (owners.length < ownersAtOnce) return
  }
}

/** Of a dry run, which leaves everything where it would be found again. */
interface Taken {
  readonly seen: Set<string>
  /** Names that a digest would lose. */
  readonly released: Map<string, number>
}

const counter = { experiment: 'experiments', run: 'runs', logged_model: 'loggedModels', trace: 'traces' } as const

async function takeOwner(work: Work, owner: FoundOwner, taken: Taken): Promise<void> {
  if (!(await isStillDeleted(work.db, owner))) return
  if (owner.kind === 'experiment') {
    for (const kind of ['run', 'logged_model', 'trace'] as const) {
      const choice = { experimentId: Number(owner.id) }
      // Of a dry run the experiment's own place still has their files, and counts them.
      const isCounted = (each: FoundOwner): boolean =>
        work.request.isDryRun && owner.tree !== undefined && (each.tree?.startsWith(`${owner.tree}/`) ?? false)
      for await (const each of ownersOf(work, kind, choice)) {
        await takeOne(work, isCounted(each) ? { ...each, tree: undefined } : each, taken)
      }
    }
    if (owner.id === 0) return // Clients expect experiment 0 to be there, if only deleted.
  }
  if (work.signal.aborted) return
  await takeOne(work, owner, taken)
}

async function takeOne(
  { actor, db, places, progress, request }: Work,
  owner: FoundOwner,
  { seen, released }: Taken,
): Promise<void> {
  const key = `${owner.kind}:${owner.id}`
  if (seen.has(key)) return
  if (request.isDryRun) seen.add(key)
  await countFiles({ progress, request, released }, filesOf(db, owner))
  if (!request.isDryRun) await removeOwner({ db, places }, actor, owner)
  progress[counter[owner.kind]]++
}

async function countFiles(
  { progress, request, released }: Pick<Work, 'progress' | 'request'> & Pick<Taken, 'released'>,
  pages: ReturnType<typeof filesOf>,
): Promise<void> {
  for await (const files of pages) {
    progress.files += files.length
    for (const { digest, bytes } of files) {
      progress.fileBytes += bytes
      if (request.isDryRun) released.set(digest, (released.get(digest) ?? 0) + 1)
    }
  }
}

/** A person may have taken it back since it was found. */
async function isStillDeleted(db: Connection<Tables>, { kind, id }: FoundOwner): Promise<boolean> {
  const [now] = await findOwners(db, kind, { choice: { ids: [id] }, limit: 1 })
  return now !== undefined && now.deletedAtMs !== null
}

/** Bytes that a running step has stored are named when it ends, however long it takes. The times of files are another clock's. */
async function blobsBeforeMs({ actor, db }: Work): Promise<number> {
  const running = await on(db)
    .selectFrom('step_attempt')
    .select((eb) => eb.fn.min('started_at_ms').as('ms'))
    .where('finished_at_ms', 'is', null)
    .executeTakeFirst()
  return Math.min(actor.clock() - blobAgeMinMs, Number(running?.ms ?? Number.POSITIVE_INFINITY) - clockSlackMs)
}
