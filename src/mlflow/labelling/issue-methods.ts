// MLflow's methods of issues.
import {
  issueSeverities,
  issueStatuses,
  type CountedIssue,
  type IssueSeverity,
  type IssueStatus,
} from '../../labelling/issue.ts'
import { changeIssue, createIssue, getIssue, searchIssues, type IssueTables } from '../../labelling/issues.ts'
import { transact, type Connection } from '../../platform/database.ts'
import { invalidParameter } from '../wire/errors.ts'
import type * as wire from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { issueConditionOf } from './issue-filter.ts'
import { limitOf, listed, offsetOf, pageOf } from './offset-pages.ts'

export interface IssueDeps {
  readonly db: Connection<IssueTables>
}

const searchDefault = 100

const issueOf = (issue: CountedIssue): wire.Issue => ({
  issue_id: issue.id,
  experiment_id: String(issue.experimentId),
  name: issue.name,
  description: issue.description,
  status: issue.status,
  severity: issue.severity ?? undefined,
  ...listed('root_causes', issue.rootCauses),
  source_run_id: issue.sourceRunId ?? undefined,
  created_timestamp: issue.createdAtMs,
  last_updated_timestamp: issue.updatedAtMs,
  created_by: issue.createdBy ?? undefined,
  ...listed('categories', issue.categories),
  trace_count: issue.traces,
})

/** @throws MlflowError INVALID_PARAMETER_VALUE for any other text */
function oneOf<T extends string>(these: readonly T[], sent: string, what: string): T {
  const found = these.find((each) => each === sent)
  if (found !== undefined) return found
  throw invalidParameter(`Invalid value '${sent}' for parameter '${what}': one of ${these.join(', ')} is expected`)
}
const statusOf = (sent: string): IssueStatus => oneOf(issueStatuses, sent, 'status')
const severityOf = (sent: string): IssueSeverity => oneOf(issueSeverities, sent, 'severity')

export const issueMethods: Methods<IssueDeps> = {
  createIssue: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const made = {
        experimentId: experimentIdOf(request.experiment_id ?? ''),
        name: request.name ?? '',
        description: request.description ?? '',
        status: request.status === undefined ? ('pending' as const) : statusOf(request.status),
        severity: request.severity === undefined ? null : severityOf(request.severity),
        rootCauses: request.root_causes ?? [],
        categories: request.categories ?? [],
        sourceRunId: request.source_run_id || null,
        createdBy: request.created_by || null,
      }
      return { issue: issueOf(await transact(db, (trx) => createIssue(trx, actor, made))) }
    },
  },
  updateIssue: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const { issue_id: id = '', name, description, status, severity } = request
      const change = {
        ...(name ? { name } : {}),
        ...(description ? { description } : {}),
        ...(status === undefined ? {} : { status: statusOf(status) }),
        ...(severity === undefined ? {} : { severity: severityOf(severity) }),
      }
      return { issue: issueOf(await transact(db, (trx) => changeIssue(trx, actor, { id, ...change }))) }
    },
  },
  getIssue: {
    permission: 'run.read',
    handle: async ({ db }, { request }) => ({ issue: issueOf(await getIssue(db, request.issue_id ?? '')) }),
  },
  searchIssues: {
    permission: 'run.read',
    async handle({ db }, { request }) {
      const limit = limitOf(request.max_results, searchDefault)
      const offset = offsetOf(request.page_token)
      const { experiment_id: experiment, filter_string: filter } = request
      const found = await searchIssues(db, {
        experimentId: experiment ? experimentIdOf(experiment) : undefined,
        condition: filter ? issueConditionOf(filter) : undefined,
        countsTraces: request.include_trace_count ?? false,
        limit: limit + 1,
        offset,
      })
      const { page, next } = pageOf(found, { limit, offset })
      return { ...listed('issues', page.map(issueOf)), next_page_token: next }
    },
  },
}
