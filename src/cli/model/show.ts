// trueloop model show: a model with its aliases, or one of its versions.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { Alias } from '../../models/alias.ts'
import { Model } from '../../models/model.ts'
import { ModelVersion, parseVersion } from '../../models/model-version.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { bytesText, durationText, factLines, numberText, timeText } from '../text.ts'
import { aliasText } from './list.ts'

/** `flights` or `flights/3`. */
export async function showModel(session: Session, reference: string): Promise<void> {
  const client = connect(session)
  if (reference.includes('/')) {
    const { model, version } = parseVersion(reference)
    const path = pathOf`/models/${model}/versions/${version}`
    return session.terminal.show(await client.call({ path, answer: ModelVersion }), renderModelVersion)
  }
  const model = await client.call({ path: pathOf`/models/${reference}`, answer: Model })
  const aliases = await client.call({ path: pathOf`/models/${reference}/aliases`, answer: z.array(Alias) })
  session.terminal.show({ ...model, aliases }, renderModel)
}

export const renderModel = ({ aliases, ...model }: Model & { aliases: readonly Alias[] }): string =>
  factLines([
    ['model', model.name],
    ['description', model.description || undefined],
    ['versions', String(model.lastVersion)],
    ['aliases', aliasText(aliases)],
    ['made', timeText(model.createdAtMs)],
    ['changed', timeText(model.updatedAtMs)],
    ...Object.entries(model.tags),
  ])

export function renderModelVersion(version: ModelVersion): string {
  const { signature, trainedOn, infra } = version
  const facts = factLines([
    ['version', `${version.model}/${version.version}`],
    [
      'state',
      version.approvedBy === null
        ? version.state
        : `${version.state} by ${version.approvedBy} at ${timeText(version.approvedAtMs)}`,
    ],
    ['description', version.description || undefined],
    ['task', signature ? [signature.task, signature.classes.join(', ')].filter(Boolean).join(': ') : undefined],
    ['source', version.source ?? undefined],
    ['trained on', trainedText(version.datasetVersion, trainedOn)],
    ['run', version.runId ?? undefined],
    ['pipeline run', version.pipelineRunId ?? undefined],
    ['graph', version.bytes === null ? 'none: not servable' : `${bytesText(version.bytes)}, sha256 ${version.digest}`],
    ['rewritten', rewrittenText(version)],
    ['infra check', infraText(infra)],
    ['made', `${timeText(version.createdAtMs)} by ${version.createdBy}`],
    ...Object.entries(version.tags),
  ])
  const metrics = Object.entries(version.metrics).map(([name, value]) => [name, numberText(value)])
  const inputs = (signature?.inputs ?? []).map(({ name, type, required }) => [name, type, required ? 'yes' : 'no'])
  const sections = [
    facts,
    ...(metrics.length > 0 ? [table(['METRIC', 'VALUE'], metrics)] : []),
    ...(inputs.length > 0 ? [table(['INPUT', 'TYPE', 'REQUIRED'], inputs)] : []),
  ]
  return sections.join('\n\n')
}

function rewrittenText({ rewritten }: ModelVersion): string | undefined {
  return rewritten ? `${rewritten.changes.join('; ')}; from sha256 ${rewritten.from}` : undefined
}

function infraText(infra: ModelVersion['infra']): string {
  if (infra === null) return 'not made'
  if (!infra.passed) return `failed: ${infra.reason} (${infra.failure})`
  const { loadMs, oneRow, residentBytes, examples } = infra
  return `passed: ${numberText(examples)} examples, loads in ${durationText(loadMs)}, a row in ${numberText(oneRow.p50Ms)} ms, ${bytesText(residentBytes)} resident`
}

function trainedText(dataset: string | null, window: ModelVersion['trainedOn']): string | undefined {
  if (dataset === null) return undefined
  return window ? `${dataset}, [${timeText(window.fromMs)}, ${timeText(window.toMs)})` : dataset
}
