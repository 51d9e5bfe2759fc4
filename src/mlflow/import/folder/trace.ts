// A trace's folder: what it is as a whole, and what is said of it. Its spans are a file among its artifacts.
import { join } from 'node:path'
import { z } from 'zod'
import { metadataKeys, tagKeys } from '../../../tracing/keys.ts'
import { countsOfMetadata } from '../../../tracing/metadata.ts'
import { printJson } from '../../wire/json.ts'
import { pairRows, type ExperimentFolder, type FolderDeps } from './deps.ts'
import { locationOf } from './places.ts'
import { damage, foldersOf, listingOf, readPairs } from './tree.ts'
import { integer, orNull, pathId, readYaml } from './yaml.ts'

/** Of the second form and the third. */
const Info = z.object({
  trace_id: pathId.nullish(),
  request_id: pathId.nullish(),
  timestamp_ms: orNull(integer),
  request_time: z.union([integer, z.string()]).nullish(),
  execution_time_ms: orNull(integer),
  execution_duration_ms: orNull(integer),
  status: orNull(z.string()),
  state: orNull(z.string()),
  client_request_id: orNull(z.string()),
  request_preview: orNull(z.string()),
  response_preview: orNull(z.string()),
})

/** @throws DomainError import_source when any of it cannot be read */
export async function stageTrace(deps: FolderDeps, experiment: ExperimentFolder, name: string): Promise<void> {
  const { staging } = deps
  const folder = join(experiment.path, 'traces', name)
  const file = join(folder, 'trace_info.yaml')
  const info = await readYaml(file, Info)
  const request_id = info.trace_id ?? info.request_id ?? name
  if (request_id !== name) throw damage(folder, `says that it is the trace ${request_id}`)
  const timestamp_ms = info.timestamp_ms ?? timeOf(file, info.request_time)
  const tags = await readPairs(join(folder, 'tags'))
  const metadata = await readPairs(join(folder, 'request_metadata'))
  const location = tags.get(tagKeys.artifactLocation)
  const own = join(folder, 'artifacts')
  if (location !== undefined)
    tags.set(tagKeys.artifactLocation, await locationOf(deps, { what: `the trace ${name}`, location, own }))
  const trace_name = tags.get(tagKeys.name) ?? null
  tags.delete(tagKeys.name)
  const counts = countsOfMetadata(Object.fromEntries(metadata)) // Which its database keeps in columns.
  for (const key of [metadataKeys.session, metadataKeys.tokens, metadataKeys.cost]) metadata.delete(key)
  const ofTrace = (key: string, value: string) => ({ key, value, request_id })
  staging.insert('trace_tags', pairRows(tags, ofTrace))
  staging.insert('trace_request_metadata', pairRows(metadata, ofTrace))
  await stageAssessments(deps, { request_id, timestamp_ms, folder: join(folder, 'assessments') })
  staging.insert('trace_info', [
    {
      request_id,
      experiment_id: experiment.id,
      timestamp_ms,
      execution_time_ms: info.execution_time_ms ?? info.execution_duration_ms,
      status: info.status ?? info.state ?? 'OK',
      client_request_id: info.client_request_id,
      request_preview: info.request_preview,
      response_preview: info.response_preview,
      trace_name,
      ...counts,
    },
  ])
}

function timeOf(file: string, time: bigint | number | string | null | undefined): bigint | number {
  if (typeof time !== 'string' && time !== null && time !== undefined) return time
  const ms = Date.parse(time ?? '')
  if (Number.isNaN(ms)) throw damage(file, 'does not say when the trace began')
  return ms
}

const Valued = z.object({
  value: z.unknown().optional(),
  serialized_value: z.object({ value: z.string() }).nullish(),
  error: z.unknown().optional(),
})

const Said = z.object({
  assessment_id: pathId,
  assessment_name: z.string().nullish(),
  name: z.string().nullish(),
  feedback: Valued.nullish(),
  expectation: Valued.nullish(),
  source: z.object({ source_type: z.string(), source_id: orNull(z.string()) }).nullish(),
  create_time: z.union([integer, z.string()]).nullish(),
  create_time_ms: integer.nullish(),
  last_update_time: z.union([integer, z.string()]).nullish(),
  last_update_time_ms: integer.nullish(),
  run_id: orNull(z.string()),
  span_id: orNull(z.string()),
  rationale: orNull(z.string()),
  overrides: orNull(z.string()),
  valid: z.boolean().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
})

async function stageAssessments(
  { staging }: FolderDeps,
  { request_id, timestamp_ms, folder }: { request_id: string; timestamp_ms: bigint | number; folder: string },
): Promise<void> {
  await foldersOf(folder)
  for (const name of (await listingOf(folder)).files) {
    const file = join(folder, name)
    const said = await readYaml(file, Said)
    const valued = said.feedback ?? said.expectation
    if (!valued) throw damage(file, 'is neither feedback nor an expectation')
    const created = said.create_time_ms ?? timeOf(file, said.create_time)
    staging.insert('assessments', [
      {
        assessment_id: said.assessment_id,
        trace_id: request_id,
        name: said.assessment_name ?? said.name ?? '',
        assessment_type: said.feedback ? 'feedback' : 'expectation',
        value: valued.serialized_value?.value ?? printJson(valued.value ?? null),
        error: valued.error ? printJson(valued.error) : null,
        created_timestamp: created,
        last_updated_timestamp:
          said.last_update_time_ms ?? (said.last_update_time ? timeOf(file, said.last_update_time) : created),
        source_type: said.source?.source_type ?? 'CODE',
        source_id: said.source?.source_id ?? null,
        run_id: said.run_id,
        span_id: said.span_id,
        rationale: said.rationale,
        overrides: said.overrides,
        valid: said.valid ?? true,
        assessment_metadata: said.metadata ? printJson(said.metadata) : null,
        trace_timestamp_ms: timestamp_ms,
      },
    ])
  }
}
