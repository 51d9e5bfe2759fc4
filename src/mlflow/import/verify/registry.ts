// Registered models, compared.
import { tableCopies } from '../../export/tables.ts'
import { relocated, withExperiments } from '../registry.ts'
import { orNull, timeOf } from '../rows.ts'
import type { SourceRow } from '../source.ts'
import { tableComparison, type Owners, type Row } from './comparison.ts'

const timesOf = (row: SourceRow) => ({
  creation_time: timeOf(row['creation_time']),
  last_updated_time: timeOf(row['last_updated_time']),
})

const isGone = (row: Row): boolean => row['current_stage'] === 'Deleted_Internal'

export const registeredModels: Owners = {
  noun: 'registered model',
  table: 'registered_models',
  key: 'name',
  comparisons: [
    tableComparison(
      {
        kind: 'registered models',
        table: 'registered_models',
        owner: 'name',
        columns: ['name', 'creation_time', 'last_updated_time', 'description'],
        expected: (row) => ({ ...row, ...timesOf(row) }),
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'tags of registered models',
        table: 'registered_model_tags',
        owner: 'name',
        columns: ['name', 'key', 'value'],
        expected(row, { experiments }) {
          const key = String(row['key'])
          return { ...row, value: withExperiments({ [key]: String(row['value'] ?? '') }, experiments)[key] }
        },
      },
      tableCopies,
    ),
    tableComparison(
      { kind: 'aliases', table: 'registered_model_aliases', owner: 'name', columns: ['name', 'alias', 'version'] },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'model versions',
        table: 'model_versions',
        owner: 'name',
        columns: [
          'name',
          'version',
          'creation_time',
          'last_updated_time',
          'description',
          'current_stage',
          'source',
          'run_id',
          'run_link',
          'storage_location',
        ],
        isReadWhole: true,
        async expected(row, { deps, experiments }) {
          if (isGone(row)) return undefined
          const place = async (column: string) => {
            const uri = orNull(row[column])
            return uri === null ? null : relocated(deps, experiments, uri)
          }
          return {
            ...row,
            ...timesOf(row),
            current_stage: row['current_stage'] ?? 'None',
            source: await place('source'),
            storage_location: await place('storage_location'),
          }
        },
      },
      tableCopies.map((copy) => ({
        ...copy,
        rows: (row) => (copy.rows?.(row) ?? [row]).filter((version) => !isGone(version)),
      })),
    ),
    tableComparison(
      {
        kind: 'tags of model versions',
        table: 'model_version_tags',
        owner: 'name',
        columns: ['name', 'version', 'key', 'value'],
        theirs: `select t.*, v.current_stage from model_version_tags t
          join model_versions v on v.name = t.name and v.version = t.version where t.name in (:owners)`,
        expected: (row) => (isGone(row) ? undefined : row),
      },
      tableCopies,
    ),
  ],
}
