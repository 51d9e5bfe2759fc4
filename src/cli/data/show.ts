// trueloop data show: one version of a dataset.
import { DatasetVersion, parseDatasetRef } from '../../data/dataset.ts'
import { pathOf, type Client } from '../../client/http-client.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { bytesText, countText, factLines, numberText, timeText } from '../text.ts'

/** `flights/3`, `flights/latest`, `flights` for the newest. @throws DomainError version_ref */
export function readVersion(client: Client, reference: string): Promise<DatasetVersion> {
  const { dataset } = parseDatasetRef(reference)
  const version = reference.slice(dataset.length + 1) || 'latest'
  return client.call({ path: pathOf`/datasets/${dataset}/versions/${version}`, answer: DatasetVersion })
}

export async function showData(session: Session, reference: string): Promise<void> {
  session.terminal.show(await readVersion(connect(session), reference), renderVersion)
}

export function renderVersion(version: DatasetVersion): string {
  const facts = factLines([
    ['dataset', `${version.dataset}/${version.version}`],
    ['rows', numberText(version.rows)],
    ['quarantined', version.quarantinedRows > 0 ? numberText(version.quarantinedRows) : undefined],
    ['stored', `${bytesText(version.bytes)} in ${countText(version.parts, 'part')}`],
    ['digest', version.digest],
    ['time column', version.timeColumn ?? undefined],
    ['key', version.keyColumns.length > 0 ? version.keyColumns.join(', ') : undefined],
    ['made', `${timeText(version.createdAtMs)} by ${version.createdBy}`],
  ])
  const columns = table(
    ['COLUMN', 'TYPE'],
    version.columns.map(({ name, type }) => [name, type]),
  )
  return `${facts}\n\n${columns}`
}
