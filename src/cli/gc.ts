// trueloop gc: what was deleted goes for good, and the stored bytes that nothing names any more.
import { Collection } from '../app/collection.ts'
import { pathOf } from '../client/http-client.ts'
import { sleep } from '../platform/clock.ts'
import { DomainError } from '../platform/errors.ts'
import { argumentInvalid, namesOf } from './arguments.ts'
import { connect, type Session } from './session.ts'
import { bytesText, countText, factLines } from './text.ts'

export interface GcOptions {
  readonly olderThan?: string
  readonly runIds?: string
  readonly experimentIds?: string
  readonly loggedModelIds?: string
  readonly dryRun?: boolean
}

const pollMs = 200

export async function gc(session: Session, options: GcOptions): Promise<void> {
  const client = connect(session)
  const { olderThan, runIds, experimentIds, loggedModelIds } = options
  const body = {
    isDryRun: options.dryRun ?? false,
    ...(olderThan === undefined ? {} : { olderThanMs: ageMsOf(olderThan) }),
    ...(runIds === undefined ? {} : { runIds: namesOf(runIds, '--run-ids') }),
    ...(experimentIds === undefined ? {} : { experimentIds: namesOf(experimentIds, '--experiment-ids') }),
    ...(loggedModelIds === undefined ? {} : { loggedModelIds: namesOf(loggedModelIds, '--logged-model-ids') }),
  }
  let collection = await client.call({ method: 'POST', path: '/collections', body, answer: Collection })
  const progress = session.terminal.progress('gc')
  while (collection.state === 'running') {
    progress.update(undefined, `${countText(collection.runs, 'run')}, ${countText(collection.files, 'file')}`)
    await sleep(pollMs)
    collection = await client.call({ path: pathOf`/collections/${collection.id}`, answer: Collection })
  }
  progress.done(collection.state)
  if (collection.error !== null) {
    throw new DomainError('unavailable', 'collection_failed', `not all went: ${collection.error}; begin again to go on`)
  }
  session.terminal.show(collection, renderCollection)
}

export function renderCollection(collection: Collection): string {
  const { isDryRun, experiments, runs, loggedModels, traces, files, fileBytes, blobs, blobBytes } = collection
  const facts = factLines([
    ['experiments', String(experiments)],
    ['runs', String(runs)],
    ['logged models', String(loggedModels)],
    ['traces', String(traces)],
    ['files', `${files}, ${bytesText(fileBytes)}`],
    ['stored bytes', `${bytesText(blobBytes)} in ${countText(blobs, 'object')}`],
  ])
  const title = isDryRun ? 'This would go; nothing did:' : 'This is gone for good:'
  // Otherwise a home that is as large as before would look like a fault.
  const young =
    'Bytes that were stored within the last hour, and those of equal files that stay, are kept; a later collection takes the former.'
  return files > 0 && blobBytes < fileBytes ? `${title}\n${facts}\n${young}` : `${title}\n${facts}`
}

const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 }

/** As MLflow's command writes it: `30d`, `2d8h5m20s`. @throws DomainError argument_invalid */
export function ageMsOf(text: string): number {
  const found = /^(?:(?<d>[\d.]+)d)?(?:(?<h>[\d.]+)h)?(?:(?<m>[\d.]+)m)?(?:(?<s>[\d.]+)s)?$/v.exec(text)?.groups ?? {}
  const parts = Object.entries(units).flatMap(([unit, ms]) =>
    found[unit] === undefined ? [] : [Number(found[unit]) * ms],
  )
  const ageMs = Math.round(parts.reduce((sum, part) => sum + part, 0))
  if (parts.length === 0 || !Number.isSafeInteger(ageMs)) {
    throw argumentInvalid(`--older-than ${text}: write days, hours, minutes and seconds, such as 30d or 2d8h`)
  }
  return ageMs
}
