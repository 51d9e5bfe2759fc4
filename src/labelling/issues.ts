// Reporting issues, changing and searching them.
import type { ExperimentTables } from '../experiments/tables.ts'
import { findRun } from '../experiments/writable-run.ts'
import type { Actor } from '../governance/audit.ts'
import type { Db, Transaction } from '../platform/database.ts'
import { hexId } from '../platform/ids.ts'
import type { TraceTables } from '../tracing/tables.ts'
import { assertExperiment } from './experiment-scope.ts'
import { assertIssueTexts, issueNotFound, type CountedIssue, type Issue } from './issue.ts'
import { insertIssue, readIssue, readIssues, updateIssueRow, type IssueQuery } from './stores/issue-store.ts'
import type { LabellingTables } from './tables.ts'

export type { IssueComparison } from './stores/issue-store.ts'

export type IssueTables = LabellingTables & ExperimentTables & TraceTables

/** @throws DomainError experiment_not_found, run_not_found, issue_invalid */
export async function createIssue(
  trx: Transaction<LabellingTables & ExperimentTables>,
  actor: Actor,
  made: Omit<Issue, 'id' | 'createdAtMs' | 'updatedAtMs'>,
): Promise<Issue> {
  assertIssueTexts(made)
  await assertExperiment(trx, made.experimentId)
  if (made.sourceRunId !== null) await findRun(trx, made.sourceRunId)
  const atMs = actor.clock()
  const issue = { ...made, id: `iss-${hexId()}`, createdAtMs: atMs, updatedAtMs: atMs }
  await insertIssue(trx, issue)
  return issue
}

/** @throws DomainError issue_not_found */
export async function getIssue(db: Db<LabellingTables>, id: string): Promise<Issue> {
  const issue = await readIssue(db, id)
  if (!issue) throw issueNotFound(id)
  return issue
}

export type IssueChange = Partial<Pick<Issue, 'name' | 'description' | 'status' | 'severity'>>

/** What is not named stays. @throws DomainError issue_not_found, issue_invalid */
export async function changeIssue(
  trx: Transaction<LabellingTables>,
  actor: Actor,
  { id, ...change }: { id: string } & IssueChange,
): Promise<Issue> {
  assertIssueTexts(change)
  const issue = { ...(await getIssue(trx, id)), ...change, updatedAtMs: actor.clock() }
  await updateIssueRow(trx, issue)
  return issue
}

/** The severest first, then those of most traces where these are counted, then the newest. */
export const searchIssues = (db: Db<IssueTables>, query: IssueQuery): Promise<CountedIssue[]> => readIssues(db, query)
