// trueloop model versions: the versions of a model, newest first.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { ModelVersion, versionText } from '../../models/model-version.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { numberText, timeText } from '../text.ts'

const metricsShown = 3

export async function modelVersions(session: Session, model: string, options: ListOptions): Promise<void> {
  const path = pathOf`/models/${model}/versions`
  const versions = await connect(session).call({
    path,
    query: { limit: limitOf(options) },
    answer: z.array(ModelVersion),
  })
  session.terminal.show(versions, renderModelVersions)
}

export const renderModelVersions = (versions: readonly ModelVersion[]): string =>
  versions.length === 0
    ? 'It has no versions yet.'
    : table(
        ['VERSION', 'STATE', 'MADE', 'TRAINED ON', 'METRICS'],
        versions.map((version) => [
          versionText(version),
          version.state,
          timeText(version.createdAtMs),
          version.datasetVersion ?? '-',
          metricText(version.metrics),
        ]),
      )

/** `auc` before `gain.amount`: what is measured of the whole before what is measured of a part. */
export const byDots = (a: string, b: string): number =>
  Number(a.includes('.')) - Number(b.includes('.')) || (a < b ? -1 : 1)

const metricText = (metrics: Readonly<Record<string, number>>): string =>
  Object.entries(metrics)
    .toSorted(([a], [b]) => byDots(a, b))
    .slice(0, metricsShown)
    .map(([name, value]) => `${name} ${numberText(value)}`)
    .join(', ')
