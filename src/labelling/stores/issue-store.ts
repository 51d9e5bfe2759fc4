// The only file that reads or writes the table issue; the traces of an issue are counted from the assessments that name it.
import { sql } from 'kysely'
import { sqlOfCondition, type Condition } from '../../platform/condition.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { TraceTables } from '../../tracing/tables.ts'
import { issueSeverities, type CountedIssue, type Issue } from '../issue.ts'
import type { LabellingTables } from '../tables.ts'

type Row = LabellingTables['issue']

const issueOf = (row: Row): Issue => ({
  id: row.id,
  experimentId: row.experiment_id,
  name: row.name,
  description: row.description,
  status: row.status as Issue['status'],
  severity: row.severity as Issue['severity'],
  rootCauses: JSON.parse(row.root_causes) as string[],
  categories: JSON.parse(row.categories) as string[],
  sourceRunId: row.source_run_id,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
  createdBy: row.created_by,
})

const rowOf = (issue: Issue): Row => ({
  id: issue.id,
  experiment_id: issue.experimentId,
  name: issue.name,
  description: issue.description,
  status: issue.status,
  severity: issue.severity,
  severity_rank: issue.severity === null ? -1 : issueSeverities.indexOf(issue.severity),
  root_causes: JSON.stringify(issue.rootCauses),
  categories: JSON.stringify(issue.categories),
  source_run_id: issue.sourceRunId,
  created_at_ms: issue.createdAtMs,
  updated_at_ms: issue.updatedAtMs,
  created_by: issue.createdBy,
})

export async function insertIssue(trx: Transaction<LabellingTables>, issue: Issue): Promise<void> {
  await on(trx).insertInto('issue').values(rowOf(issue)).execute()
}

export async function updateIssueRow(trx: Transaction<LabellingTables>, issue: Issue): Promise<void> {
  const { id, ...change } = rowOf(issue)
  await on(trx).updateTable('issue').set(change).where('id', '=', id).execute()
}

export async function readIssue(db: Db<LabellingTables>, id: string): Promise<Issue | undefined> {
  const row = await on(db).selectFrom('issue').selectAll().where('id', '=', id).executeTakeFirst()
  return row && issueOf(row)
}

export interface IssueComparison {
  readonly field: 'status' | 'sourceRunId'
  readonly operator: '=' | '!='
  readonly value: string
}

export interface IssueQuery {
  readonly experimentId?: number | undefined
  readonly condition?: Condition<IssueComparison> | undefined
  readonly countsTraces: boolean
  readonly limit: number
  readonly offset: number
}

export async function readIssues(db: Db<LabellingTables & TraceTables>, query: IssueQuery): Promise<CountedIssue[]> {
  const { experimentId, condition, countsTraces, limit, offset } = query
  const columns = { status: sql`i.status`, sourceRunId: sql`i.source_run_id` }
  const filter = condition
    ? sqlOfCondition(condition, ({ field, operator, value }) =>
        operator === '=' ? sql`${columns[field]} = ${value}` : sql`${columns[field]} <> ${value}`,
      )
    : sql`1 = 1`
  const scope = experimentId === undefined ? sql`1 = 1` : sql`i.experiment_id = ${experimentId}`
  const traces = countsTraces
    ? sql`(select count(distinct a.trace_no) from assessment a where a.name = i.id and a.kind = 'issue')`
    : sql`0`
  const { rows } = await sql<Row & { traces: number }>`
    select i.*, ${traces} as traces from issue i where ${scope} and ${filter}
    order by i.severity_rank desc, traces desc, i.created_at_ms desc, i.id desc
    limit ${limit} offset ${offset}`.execute(on(db))
  return rows.map((row) => (countsTraces ? { ...issueOf(row), traces: Number(row.traces) } : issueOf(row)))
}
