// The order of a run search: phases of runs, each with a sort column that an index can walk, and the place where a page ended.
import { sql, type RawBuilder } from 'kysely'
import { DomainError } from '../../platform/errors.ts'
import { numberOfWire, WireNumber, wireOfNumber } from '../metric.ts'
import { z } from 'zod'
import { parseField, type RunOrder } from './filter.ts'

/** Runs with a value come first in either direction, then those whose metric is NaN, then those without one. */
export interface Phase {
  /** What follows `from run`. */
  readonly join: RawBuilder<unknown>
  readonly condition: RawBuilder<boolean>
  /** Null: by id alone. */
  readonly sort: RawBuilder<unknown> | null
  /** The run's id, as the index that gives the order holds it. */
  readonly id: RawBuilder<string>
}

const noJoin = sql``
const runId = sql<string>`run.id`
const joinedId = sql<string>`s.run_id`
/** As in the index of values: texts that are alike for so long are ordered by id. */
const valueStart = sql`substr(s.value, 1, 200)`
const always = sql<boolean>`1 = 1`

/** @throws DomainError run_field */
export function phasesOf({ field: text }: RunOrder): Phase[] {
  const field = parseField(text)
  switch (field.kind) {
    case 'metric': {
      const join = sql`join run_metric s on s.run_id = run.id and s.key = ${field.key}`
      return [
        { join, condition: sql`s.latest_is_nan = 0`, sort: sql`s.latest`, id: joinedId },
        { join, condition: sql`s.latest_is_nan = 1`, sort: null, id: runId },
        { join: noJoin, condition: without('run_metric', field.key), sort: null, id: runId },
      ]
    }
    case 'param':
    case 'tag': {
      const table = field.kind === 'param' ? 'run_param' : 'run_tag'
      const join = sql`join ${sql.table(table)} s on s.run_id = run.id and s.key = ${field.key}`
      return [
        { join, condition: always, sort: valueStart, id: joinedId },
        { join: noJoin, condition: without(table, field.key), sort: null, id: runId },
      ]
    }
    case 'time':
    case 'text': {
      const column = sql.ref(`run.${field.column}`)
      if (field.column !== 'ended_at_ms') return [{ join: noJoin, condition: always, sort: column, id: runId }]
      return [
        { join: noJoin, condition: sql`${column} is not null`, sort: column, id: runId },
        { join: noJoin, condition: sql`${column} is null`, sort: null, id: runId },
      ]
    }
    case 'input':
      throw new DomainError(
        'invalid',
        'run_field',
        'runs have no order by "input": order by a metric, param, tag or time',
      )
  }
}

const without = (table: string, key: string): RawBuilder<boolean> =>
  sql`not exists (select 1 from ${sql.table(table)} s where s.run_id = run.id and s.key = ${key})`

/** Where a page ended: the phase, the sort value of its last run (null in a phase by id) and its id. */
export interface Place {
  readonly phase: number
  readonly value: string | number | null
  readonly id: string
}

const Token = z.tuple([z.int().min(0).max(2), z.union([WireNumber, z.string(), z.null()]), z.string(), z.boolean()])

/** The last part says whether `value` is a number, since `NaN` is a fine param. */
export function tokenOf({ phase, value, id }: Place): string {
  const isNumber = typeof value === 'number'
  const parts = [phase, isNumber ? wireOfNumber(value) : value, id, isNumber]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** @throws DomainError page_token */
export function placeOf(token: string): Place {
  const parsed = Token.safeParse(parseJson(Buffer.from(token, 'base64url').toString()))
  if (!parsed.success) {
    throw new DomainError(
      'invalid',
      'page_token',
      '"after" is no place of a run search: send the `next` of the page before',
    )
  }
  const [phase, value, id, isNumber] = parsed.data
  return { phase, value: isNumber ? numberOfWire(value as WireNumber) : value, id }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Not a token either way; the schema says so.
  }
}
