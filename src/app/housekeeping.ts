// What has had its time goes: predictions with their outcomes, events that everyone has heard, jobs that ended. Once an hour, in small steps.
import { durationMs } from '../loop/duration.ts'
import { findAppliedSpec, listLoopNames } from '../loop/loop-store.ts'
import { applyRetention, monitorsNeedFromMs, type Retention } from '../monitoring/retention.ts'
import { watermarkMs } from '../monitoring/watermark.ts'
import { sleep, type Clock } from '../platform/clock.ts'
import type { Connection } from '../platform/database.ts'
import type { Dispatcher } from '../platform/dispatcher.ts'
import { messageOf } from '../platform/errors.ts'
import { pruneJobs } from '../platform/jobs.ts'
import type { Log } from '../platform/log.ts'
import { findActiveRollout } from '../rollouts/rollout-store.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import { pruneUploads, type UploadDeps } from '../artifacts/artifact-upload.ts'
import type { Actor } from '../governance/audit.ts'
import type { Collections } from './collections.ts'
import type { Tables } from './tables.ts'

export interface HousekeepingDeps {
  readonly db: Connection<Tables>
  readonly clock: Clock
  readonly log: Log
  readonly dispatcher: Pick<Dispatcher, 'prune'>
  readonly retention: Retention
  /** What has been deleted for so long goes for good; null: not by itself. */
  readonly deletion: { readonly collections: Collections; readonly actor: Actor; readonly ageMs: number | null }
  readonly uploads: UploadDeps
}

/** After the start, which is busy enough. */
const firstMs = 60_000
const everyMs = 3_600_000

export function startHousekeeping(deps: HousekeepingDeps): AsyncDisposable {
  const stop = new AbortController()
  const run = async (): Promise<void> => {
    await sleep(firstMs, stop.signal)
    let collectedAtMs = Number.NEGATIVE_INFINITY
    while (!stop.signal.aborted) {
      await tidy(deps, stop.signal).catch((error: unknown) =>
        deps.log.error('what has had its time could not be deleted', { error: messageOf(error) }),
      )
      if (deps.deletion.ageMs !== null && deps.clock() - collectedAtMs >= collectEveryMs) {
        collectedAtMs = deps.clock()
        await collect(deps)
      }
      await sleep(everyMs, stop.signal)
    }
  }
  const finished = run()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await finished
    },
  }
}

/** Looks at every stored object, so not each time. */
const collectEveryMs = 24 * 3_600_000

/** One turn; may be ended at any moment, the next goes on. */
export async function tidy(deps: Omit<HousekeepingDeps, 'deletion'>, signal?: AbortSignal): Promise<void> {
  const { db, clock, log, dispatcher, retention } = deps
  const nowMs = clock()
  const until = signal ? { signal } : {}
  const beforeMs = nowMs - retention.ageMsMax
  const { predictions, outcomes } = await applyRetention(db, retention, {
    nowMs,
    neededFromMs: (endpoint) => neededFromMs(db, { endpoint, nowMs }),
    ...until,
  })
  const events = await dispatcher.prune({ beforeMs, ...until })
  const jobs = await pruneJobs(db, { beforeMs, ...until })
  const uploads = await pruneUploads(deps.uploads)
  if (predictions + outcomes + events + jobs + uploads === 0) return
  log.info('what has had its time was deleted', { predictions, outcomes, events, jobs, uploads })
}

/** A person's own collection may be under way: it does as much. */
async function collect({ deletion: { actor, ageMs, collections }, log }: HousekeepingDeps): Promise<void> {
  try {
    await collections.start(actor, { isDryRun: false, olderThanMs: ageMs ?? 0 })
  } catch (error) {
    log.warn('no collection was begun', { error: messageOf(error) })
  }
}

/** Event time from which on an endpoint's predictions are needed: by its monitors, by the labels of its loops, by a rollout under way. */
async function neededFromMs(
  db: Connection<Tables>,
  { endpoint: name, nowMs }: { endpoint: string; nowMs: number },
): Promise<number> {
  const endpoint = await findEndpoint(db, name)
  if (!endpoint) return Number.POSITIVE_INFINITY
  const policyNowMs = endpoint.clock === 'event' ? await watermarkMs(db, name) : nowMs
  if (policyNowMs === undefined) return Number.NEGATIVE_INFINITY
  const applied = await Promise.all((await listLoopNames(db)).map((loop) => findAppliedSpec(db, loop)))
  const labelDelays = applied.flatMap((each) =>
    each?.spec.endpoint.name === name ? [durationMs(each.spec.labelDelay)] : [],
  )
  const rollout = await findActiveRollout(db, name)
  return Math.min(
    await monitorsNeedFromMs(db, { endpoint: name, policyNowMs }),
    ...labelDelays.map((delayMs) => policyNowMs - delayMs),
    ...(rollout ? [rollout.startedMs] : []),
  )
}
