// trueloop endpoint score: a file of rows through a version of an endpoint into a file of predictions.
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { pathOf, type Client } from '../../client/http-client.ts'
import { ModelVersion, parseVersion } from '../../models/model-version.ts'
import { systemClock } from '../../platform/clock.ts'
import { DomainError, messageOf } from '../../platform/errors.ts'
import { createIds } from '../../platform/ids.ts'
import { yieldToAnswers } from '../../platform/processes.ts'
import type { ScoringManifest } from '../../serving/batch-scoring-manifest.ts'
import { scoreFile, type ScoringRequest } from '../../serving/batch-scoring.ts'
import { Endpoint } from '../../serving/endpoint.ts'
import { connect, type Session } from '../session.ts'
import { countText } from '../text.ts'

export interface ScoreOptions {
  /** `3`, or `flights/3`; the champion by default. */
  readonly modelVersion?: string
  /** Columns to keep, separated by commas. */
  readonly key?: string
}

/** @throws DomainError as serving/batch-scoring.ts `scoreFile`; endpoint_has_no_champion, version_not_served, file_unwritable */
export async function scoreEndpoint(
  session: Session,
  [name, input, output]: readonly [string, string, string],
  { modelVersion, key }: ScoreOptions,
): Promise<void> {
  await access(dirname(output), constants.W_OK).catch((error: unknown) => {
    throw new DomainError('invalid', 'file_unwritable', `${output} cannot be written: ${messageOf(error)}`)
  })
  const client = connect(session)
  const model = await readModel(client, name, modelVersion)
  yieldToAnswers()
  const bar = session.terminal.progress(`Scoring with ${model.version}`)
  const keys = key?.split(',').map((column) => column.trim())
  const deps = {
    clock: systemClock,
    ids: createIds(),
    processes: session.config.stepThreads,
    memoryLimitBytes: session.config.stepMemoryBytes,
    // Ctrl-C ends this process, and with it the others: what they had finished is gone on from.
    signal: new AbortController().signal,
    progress: (rows: number, total: number) => bar.update(total === 0 ? 1 : rows / total, `${rows} of ${total} rows`),
    record: ({ endpoint, ...scoring }: ScoringManifest) => tell(client, endpoint, scoring),
  }
  const manifest = await scoreFile(deps, { input, output, endpoint: name, model, keys })
  bar.done(countText(manifest.rows, 'row'))
  session.terminal.show(manifest, ({ rows }) => `${output}: ${countText(rows, 'row')} scored with ${model.version}`)
}

async function tell(client: Client, endpoint: string, body: Omit<ScoringManifest, 'endpoint'>): Promise<void> {
  const path = pathOf`/endpoints/${endpoint}/scorings`
  await client.call({ method: 'POST', path, body, answer: z.object({ recorded: z.boolean() }) })
}

/** The champion, or any version of its model. */
async function readModel(client: Client, name: string, asked: string | undefined): Promise<ScoringRequest['model']> {
  const { variants } = await client.call({ path: pathOf`/endpoints/${name}`, answer: Endpoint })
  const champion = variants.find(({ role }) => role === 'champion')
  const isNumber = asked !== undefined && champion !== undefined && !asked.includes('/')
  const chosen = isNumber ? `${parseVersion(champion.version).model}/${asked}` : (asked ?? champion?.version)
  if (chosen === undefined) {
    const message = `endpoint "${name}" has no version that answers: name one with --model-version`
    throw new DomainError('unavailable', 'endpoint_has_no_champion', message)
  }
  const { model, version } = parseVersion(chosen)
  const found = await client.call({ path: pathOf`/models/${model}/versions/${version}`, answer: ModelVersion })
  const { digest, signature } = found
  if (digest === null || signature === null) {
    throw new DomainError('not_found', 'version_not_served', `version ${chosen} has no graph, and cannot score`)
  }
  const answer = await client.send({ path: pathOf`/blobs/${digest}` })
  return { version: chosen, digest, signature, bytes: new Uint8Array(await answer.arrayBuffer()) }
}
