// Records of an evaluation dataset as MLflow's clients read them: JSON in a text.
import type { StoredRecord } from '../../labelling/evaluation-records.ts'
import { printExact } from '../../platform/exact-json.ts'
import { invalidParameter } from '../wire/errors.ts'

/** Joined from texts that are stored as JSON: nothing is parsed. */
export function recordJson(record: StoredRecord): string {
  const fields: [string, string | null][] = [
    ['dataset_record_id', printExact(record.id)],
    ['dataset_id', printExact(record.dataset_id)],
    ['inputs', record.inputs],
    ['expectations', record.expectations],
    ['tags', record.tags],
    ['source', record.source],
    ['source_id', textOf(record.source_id)],
    ['source_type', textOf(record.source_type)],
    ['created_time', String(record.created_at_ms)],
    ['last_update_time', String(record.updated_at_ms)],
    ['created_by', textOf(record.created_by)],
    ['last_updated_by', textOf(record.updated_by)],
    ['outputs', record.outputs],
  ]
  return `{${fields.flatMap(([name, json]) => (json === null ? [] : [`"${name}": ${json}`])).join(', ')}}`
}

const textOf = (value: string | null): string | null => (value === null ? null : printExact(value))

export const tokenOfPlace = (no: number): string => Buffer.from(String(no)).toString('base64')

/** The number of the last record of the page before; 0 without a token. @throws MlflowError INVALID_PARAMETER_VALUE */
export function placeOfToken(token: string | undefined): number {
  if (!token) return 0
  const no = Number(Buffer.from(token, 'base64').toString('latin1') || 'none')
  if (Number.isSafeInteger(no) && no > 0) return no
  throw invalidParameter(`Invalid page token: ${token}`)
}
