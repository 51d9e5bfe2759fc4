// trueloop data versions: the versions of a dataset, newest first.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { DatasetVersion, parseDatasetName } from '../../data/dataset.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { bytesText, numberText, timeText } from '../text.ts'

const Answer = z.object({ versions: z.array(DatasetVersion) })
const digestShown = 12

export async function dataVersions(session: Session, dataset: string, options: ListOptions): Promise<void> {
  const path = pathOf`/datasets/${parseDatasetName(dataset)}/versions`
  const answer = await connect(session).call({ path, query: { limit: limitOf(options) }, answer: Answer })
  session.terminal.show(answer, ({ versions }) => renderVersions(versions))
}

export const renderVersions = (versions: readonly DatasetVersion[]): string =>
  table(
    ['VERSION', 'ROWS', 'QUARANTINED', 'STORED', 'MADE', 'DIGEST'],
    versions.map((version) => [
      `${version.dataset}/${version.version}`,
      numberText(version.rows),
      numberText(version.quarantinedRows),
      bytesText(version.bytes),
      timeText(version.createdAtMs),
      version.digest.slice(0, digestShown),
    ]),
  )
