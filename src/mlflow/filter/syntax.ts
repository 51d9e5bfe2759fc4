// The syntax of filters: comparisons joined by AND, OR, NOT and parentheses. What a comparison may say is another file's (fields.ts).
import type { Condition } from '../../platform/condition.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { Aggregate } from './comparison.ts'
import { reprOf } from './python.ts'
import { tokensOf, type Token } from './tokens.ts'

/** A comparison as it is written. */
export interface Clause {
  /** `metrics.loss`, with its quotes. */
  readonly name: string
  readonly aggregate?: Aggregate
  /** Words in capitals (`NOT IN`), signs as they are. */
  readonly operator: string
  readonly value: Value
}

export interface Value {
  readonly kind: 'text' | 'number' | 'name' | 'list' | 'null' | 'none'
  /** As written, with quotes. */
  readonly text: string
  /** Of a list. */
  readonly items: readonly Token[]
}

/** How a target's refusals name what they cannot read. */
export interface Refusals {
  readonly unreadable: (source: string, clause: readonly string[]) => string
  readonly several: (source: string) => string
}

const clausesMax = 200
const depthMax = 50
const sourceMax = 1_000_000

interface State {
  readonly source: string
  readonly tokens: readonly Token[]
  readonly refusals: Refusals
  at: number
  clauses: number
  depth: number
}

const none: Value = { kind: 'none', text: '', items: [] }

/**
 * As MLflow does, it takes two comparisons side by side, and ANDs to spare, for one AND.
 * @throws MlflowError INVALID_PARAMETER_VALUE
 */
export function clausesOf(source: string, refusals: Refusals): Condition<Clause> {
  if (source.length > sourceMax) throw invalidParameter(`A filter has at most ${sourceMax} characters`)
  const tokens = tokensOf(source)
  const end = tokens.findIndex(({ text }) => text === ';')
  if (end !== -1 && end < tokens.length - 1) throw invalidParameter(refusals.several(source))
  if (tokens.length === 0) throw invalidParameter(`Invalid filter '${source}'. Could not be parsed.`)
  const state: State = { source, tokens, refusals, at: 0, clauses: 0, depth: 0 }
  if (tokens.every((_, index) => isWord(state, 'AND', index))) return { all: [] }
  const parsed = alternatives(state)
  if (state.at < tokens.length) throw unreadable(state, state.at)
  return parsed
}

function alternatives(state: State): Condition<Clause> {
  const any = [sequence(state)]
  while (takeWord(state, 'OR')) any.push(sequence(state))
  return any.length === 1 ? any[0]! : { any }
}

function sequence(state: State): Condition<Clause> {
  const start = state.at
  const all: Condition<Clause>[] = []
  while (state.at < state.tokens.length && !isWord(state, 'OR') && !isSign(state, ')')) {
    if (!takeWord(state, 'AND')) all.push(factor(state))
  }
  if (all.length === 0) throw unreadable(state, Math.max(0, Math.min(start, state.tokens.length - 1)))
  return all.length === 1 ? all[0]! : { all }
}

function factor(state: State): Condition<Clause> {
  if (takeWord(state, 'NOT')) return deeper(state, () => ({ not: factor(state) }))
  const start = state.at
  if (!isSign(state, '(')) return comparison(state)
  state.at++
  const inner = deeper(state, () => alternatives(state))
  if (!isSign(state, ')')) throw unreadable(state, start)
  state.at++
  return inner
}

function deeper(state: State, work: () => Condition<Clause>): Condition<Clause> {
  if (++state.depth > depthMax) throw invalidParameter(`A filter is nested at most ${depthMax} deep`)
  const inner = work()
  state.depth--
  return inner
}

function comparison(state: State): Condition<Clause> {
  if (++state.clauses > clausesMax) throw invalidParameter(`A filter has at most ${clausesMax} comparisons`)
  const start = state.at
  const left = takeLeft(state)
  if (!left) throw refusedLeft(state, start)
  if (takeWord(state, 'BETWEEN')) {
    const low = takeValue(state)
    const high = low && takeWord(state, 'AND') ? takeValue(state) : undefined
    if (!low || !high) throw unreadable(state, start)
    return {
      all: [
        { ...left, operator: '>=', value: low },
        { ...left, operator: '<=', value: high },
      ],
    }
  }
  const operator = takeOperator(state)
  if (operator === undefined) throw unreadable(state, start)
  if (operator.endsWith('NULL')) return { ...left, operator, value: none }
  const value = takeValue(state)
  const needsList = operator.endsWith('IN')
  if (!value || (needsList && value.kind !== 'list')) throw unreadable(state, start)
  return { ...left, operator, value }
}

const aggregates: Readonly<Record<string, Aggregate | undefined>> = { MIN: 'min', MAX: 'max' }

function takeLeft(state: State): Pick<Clause, 'name' | 'aggregate'> | undefined {
  const [first, second, third, fourth] = state.tokens.slice(state.at, state.at + 4)
  if (first?.kind !== 'name') return undefined
  const aggregate = aggregates[first.text.toUpperCase()]
  if (aggregate && second?.text === '(' && third?.kind === 'name' && fourth?.text === ')') {
    state.at += 4
    return { name: third.text, aggregate }
  }
  state.at++
  return { name: first.text }
}

/** MLflow says more where there is a comparison, of something that has no name. */
function refusedLeft(state: State, start: number): Error {
  const operator = state.tokens[start + 1]
  const isValue = ['number', 'text'].includes(state.tokens[start]!.kind)
  if (!isValue || operator?.kind !== 'operator') return unreadable(state, start)
  return invalidParameter(`Invalid comparison clause. Expected 'Identifier' found '${state.tokens[start]!.text}'`)
}

const words = ['IS NOT NULL', 'IS NULL', 'NOT IN', 'IN', 'NOT LIKE', 'NOT ILIKE', 'NOT RLIKE', 'LIKE', 'ILIKE', 'RLIKE']

function takeOperator(state: State): string | undefined {
  const token = state.tokens[state.at]
  if (token?.kind === 'operator') {
    state.at++
    return token.text
  }
  const operator = words.find((each) => each.split(' ').every((word, index) => isWord(state, word, state.at + index)))
  if (operator !== undefined) state.at += operator.split(' ').length
  return operator
}

function takeValue(state: State): Value | undefined {
  const token = state.tokens[state.at]
  if (!token) return undefined
  if (token.text === '(') return takeList(state)
  if (token.kind !== 'text' && token.kind !== 'number' && token.kind !== 'name') return undefined
  const kind = isWord(state, 'NULL') ? 'null' : token.kind
  state.at++
  return { kind, text: token.text, items: [] }
}

function takeList(state: State): Value | undefined {
  const from = state.at
  const length = state.tokens.slice(from).findIndex(({ text, kind }) => kind === 'sign' && text === ')')
  if (length === -1) return undefined
  state.at = from + length + 1
  const items = state.tokens.slice(from + 1, from + length)
  const text = state.source.slice(state.tokens[from]!.start, state.tokens[from + length]!.end)
  return { kind: 'list', text, items }
}

const isSign = ({ tokens, at }: State, sign: string): boolean => tokens[at]?.kind === 'sign' && tokens[at].text === sign

function isWord({ tokens, at }: State, word: string, index: number = at): boolean {
  const token = tokens[index]
  return token?.kind === 'name' && token.text.toUpperCase() === word
}

function takeWord(state: State, word: string): boolean {
  if (!isWord(state, word)) return false
  state.at++
  return true
}

/** Tells what stands from `start` to the next AND or OR. */
function unreadable(state: State, start: number): Error {
  const rest = state.tokens.slice(start)
  const length = rest.findIndex(
    (_, index) => index > 0 && ['AND', 'OR'].some((word) => isWord(state, word, start + index)),
  )
  const clause = rest.slice(0, length === -1 ? undefined : length).map(({ text }) => text)
  return invalidParameter(state.refusals.unreadable(state.source, clause))
}

export const severalExpressions = (source: string): string =>
  `Search filter contained multiple expression ${reprOf(source)}. Provide AND-ed expression list.`
