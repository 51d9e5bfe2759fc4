// The plan as people read it on a terminal: + what is made, ~ what changes, - what goes. Pure.
import { hasOtherCode, isEmptyPlan, retrainReasons, type Change, type FieldChange, type Plan } from './plan.ts'

const symbols = { create: '+', update: '~', delete: '-', none: ' ' } as const
const colours = { create: 32, update: 33, delete: 31, none: 0 } as const

/** Lines without the trailing newline. `color` adds ANSI colours; without it the text is plain. */
export function renderPlan(plan: Plan, options: { color?: boolean } = {}): string {
  const paint = (text: string, action: Change['action']): string =>
    options.color ? `\u001B[${colours[action]}m${text}\u001B[0m` : text
  if (isEmptyPlan(plan)) {
    return `Loop ${plan.loop}: nothing to do. Version ${plan.fromVersion} is what the loop file says.`
  }
  const from = plan.fromVersion === 0 ? 'nothing is applied yet' : `compared with version ${plan.fromVersion}`
  const lines = [`Loop ${plan.loop}, ${from}:`, '']
  for (const change of plan.changes.filter(({ action }) => action !== 'none')) {
    const width = Math.max(0, ...change.fields.map(({ field }) => field.length))
    lines.push(paint(`  ${symbols[change.action]} ${change.address}`, change.action))
    lines.push(...change.fields.map((field) => paint(fieldLine(change.action, field, width), change.action)), '')
  }
  lines.push(summary(plan))
  const reasons = retrainReasons(plan)
  if (hasOtherCode(plan))
    lines.push('The code changed: runs that begin after it is applied use it, and none begins because of it.')
  if (reasons.length > 0) lines.push(`A retrain begins when it is applied, because of ${reasons.join(', ')}.`)
  return lines.join('\n')
}

function fieldLine(action: Change['action'], { field, before, after }: FieldChange, width: number): string {
  const name = field.padEnd(width)
  if (action === 'create') return `      ${name} = ${valueText(after)}`
  if (action === 'delete') return `      ${name} = ${valueText(before)}`
  const sign = before === undefined ? '+' : after === undefined ? '-' : '~'
  if (before === undefined) return `    ${sign} ${name} = ${valueText(after)}`
  return `    ${sign} ${name} = ${valueText(before)} -> ${after === undefined ? '(none)' : valueText(after)}`
}

const valueText = (value: unknown): string => JSON.stringify(value) ?? '(none)'

function summary({ changes }: Plan): string {
  const count = (action: Change['action']): number => changes.filter((change) => change.action === action).length
  return `Plan: ${count('create')} to create, ${count('update')} to update, ${count('delete')} to delete.`
}
