// The filter of a search of issues: comparisons of two fields, joined by AND.
import type { IssueComparison } from '../../labelling/issues.ts'
import type { Condition } from '../../platform/condition.ts'
import { invalidParameter } from '../wire/errors.ts'
import { reprOfSet } from '../filter/python.ts'

const fields: Readonly<Record<string, IssueComparison['field'] | undefined>> = Object.assign(Object.create(null), {
  status: 'status',
  source_run_id: 'sourceRunId',
})
const operators = ['=', '!=']

const comparison =
  /^\s*(?<field>[\w.`"]+)\s*(?<operator>[<>=!]+|\b(?:not\s+)?(?:i?like|in)\b)\s*(?:'(?<single>[^']*)'|"(?<double>[^"]*)"|(?<plain>[^\s'"]+))\s*$/iv

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export const issueConditionOf = (filter: string): Condition<IssueComparison> => ({
  all: clausesOf(filter).map(comparisonOf),
})

/** Parts between words AND that stand in no quotes. */
function clausesOf(filter: string): string[] {
  const clauses: string[] = []
  let start = 0
  for (const { 0: found, index } of filter.matchAll(/'[^']*'|"[^"]*"|\band\b/giv)) {
    if (found.toLowerCase() !== 'and') continue
    clauses.push(filter.slice(start, index))
    start = index + found.length
  }
  return [...clauses, filter.slice(start)]
}

function comparisonOf(clause: string): IssueComparison {
  const { field: written = '', operator = '', single, double, plain } = comparison.exec(clause)?.groups ?? {}
  if (written === '') throw invalidParameter(`Invalid clause(s) in filter string: ${clause.trim()}`)
  const field = fields[written.replaceAll(/[`"]/gv, '')]
  if (!field) {
    throw invalidParameter(
      `Invalid filter field '${written}'. Supported fields: ${reprOfSet(['source_run_id', 'status'])}`,
    )
  }
  if (operator !== '=' && operator !== '!=') {
    const known = `{${operators.map((each) => `'${each}'`).join(', ')}}`
    throw invalidParameter(`Invalid comparator '${operator.toUpperCase()}'. Supported comparators: ${known}`)
  }
  return { field, operator, value: single ?? double ?? plain ?? '' }
}
