// Searching registered models and versions: a condition, several orders, pages by key.
import { sql, type RawBuilder } from 'kysely'
import { foldCondition, sqlOfCondition, type Condition } from '../platform/condition.ts'
import { databaseKind, on, type Connection } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import type { Reader } from '../platform/reader.ts'
import { findModels, type ModelTables } from './model-store.ts'
import { promptTag, type Model } from './model.ts'
import { findVersions, type ModelVersionTables } from './model-version-store.ts'
import type { ModelVersion, VersionId } from './model-version.ts'
import { holds, indexedRows, type RegistryComparison, type Searched } from './registry/comparison.ts'
import { versionRows } from './registry/id-rows.ts'

export type { RegistryComparison } from './registry/comparison.ts'

export interface RegistrySearchDeps {
  readonly db: Connection<ModelTables & ModelVersionTables>
  readonly reader: Reader
}

/** The values of the order's keys in the last row of a page. */
export type RegistryPlace = readonly (string | number)[]

export interface RegistrySearch<Key extends string> {
  readonly condition?: Condition<RegistryComparison>
  /** What it leaves open is ordered as the default is. */
  readonly orderBy?: readonly { readonly by: Key; readonly isAscending: boolean }[]
  /** Prompts are left out by default. */
  readonly withPrompts?: boolean
  readonly limit: number
  /** The `next` of the page before, of the same search. */
  readonly after?: RegistryPlace
}

export type ModelSearch = RegistrySearch<'name' | 'updatedAtMs'>
export type VersionSearch = RegistrySearch<'name' | 'version' | 'createdAtMs' | 'updatedAtMs'>

/** `next` is absent on the last page. */
export interface ModelPage {
  readonly models: readonly Model[]
  readonly next?: RegistryPlace
}
export interface VersionPage {
  readonly versions: readonly ModelVersion[]
  readonly next?: RegistryPlace
}

interface Column {
  readonly column: RawBuilder<unknown>
  readonly type: 'string' | 'number'
}
interface SortKey extends Column {
  readonly isAscending: boolean
}

const modelColumns = {
  name: { column: sql`m.name`, type: 'string' },
  updatedAtMs: { column: sql`m.updated_at_ms`, type: 'number' },
} as const
const versionColumns = {
  name: { column: sql`v.model`, type: 'string' },
  version: { column: sql`v.version`, type: 'number' },
  createdAtMs: { column: sql`v.created_at_ms`, type: 'number' },
  updatedAtMs: { column: sql`v.updated_at_ms`, type: 'number' },
} as const

/** By name unless the order says otherwise. @throws DomainError registry_filter, page_token */
export async function searchModels(deps: RegistrySearchDeps, search: ModelSearch): Promise<ModelPage> {
  const { orderBy = [], withPrompts = false } = search
  const isPrompt = sql`select 1 from model_tag t where t.model = m.name and t.key = ${promptTag} and t.value = 'true'`
  const { rows, next } = await searchRows<{ name: string }>(deps, search, {
    of: 'models',
    select: sql`m.name as name from model m`,
    keys: keysOf(modelColumns, [...orderBy, { by: 'name', isAscending: true }]),
    isShown: withPrompts ? sql`1 = 1` : sql`not exists (${isPrompt})`,
  })
  const models = await findModels(
    deps.db,
    rows.map(({ name }) => name),
  )
  return { models, ...(next ? { next } : {}) }
}

/** The last updated first unless the order says otherwise; then by name, then the highest number. @throws DomainError registry_filter, page_token */
export async function searchVersions(deps: RegistrySearchDeps, search: VersionSearch): Promise<VersionPage> {
  const { orderBy = [], withPrompts = false } = search
  const isPrompt = sql`select 1 from model_version_tag t
    where t.key = ${promptTag} and substr(t.value, 1, 200) = 'true' and t.model = v.model`
  const first = orderBy.length > 0 ? orderBy : [{ by: 'updatedAtMs' as const, isAscending: false }]
  const last = [
    { by: 'name', isAscending: true },
    { by: 'version', isAscending: false },
  ] as const
  const { rows, next } = await searchRows<VersionId>(deps, search, {
    of: 'versions',
    select: sql`v.model as model, v.version as version from model_version v`,
    keys: keysOf(versionColumns, [...first, ...last]),
    isShown: withPrompts ? sql`v.deleted_at_ms is null` : sql`v.deleted_at_ms is null and not exists (${isPrompt})`,
  })
  return { versions: await findVersions(deps.db, rows), ...(next ? { next } : {}) }
}

/** Each column once, where it stands first. */
function keysOf<Key extends string>(
  columns: Readonly<Record<Key, Column>>,
  orderBy: readonly { readonly by: Key; readonly isAscending: boolean }[],
): SortKey[] {
  const keys = new Map<Key, SortKey>()
  for (const { by, isAscending } of orderBy) {
    if (!keys.has(by)) keys.set(by, { ...columns[by], isAscending })
  }
  return [...keys.values()]
}

interface Rows {
  readonly of: Searched['of']
  /** Columns and table. */
  readonly select: RawBuilder<unknown>
  readonly keys: readonly SortKey[]
  readonly isShown: RawBuilder<unknown>
}

async function searchRows<Row>(
  { db, reader }: RegistrySearchDeps,
  { condition, limit, after }: RegistrySearch<string>,
  { of, select, keys, isShown }: Rows,
): Promise<{ rows: readonly Row[]; next?: RegistryPlace }> {
  const searched: Searched = { kind: databaseKind(db), of }
  if (after && !isPlaceOf(keys, after)) throw pageToken()
  const where = condition ? sqlOfCondition(condition, (leaf) => holds(leaf, searched)) : sql`1 = 1`
  const few = condition && (await findFew({ db, reader, searched }, condition))
  const among = few === undefined ? sql`1 = 1` : isAmong(few, searched)
  const sorted = keys.map(({ column }, at) => sql`${column} as ${sql.ref(nameOfKey(at))}`)
  const order = keys.map(({ column, isAscending }) => (isAscending ? sql`${column} asc` : sql`${column} desc`))
  const query = sql<Row & Record<string, string | number>>`select ${sql.join(sorted)}, ${select}
    where ${isShown} and ${among} and ${where} and ${after ? isAfter(keys, after) : sql`1 = 1`}
    order by ${sql.join(order)} limit ${limit + 1}`
  const rows = await reader.all(query.compile(on(db)))
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  if (rows.length <= limit || !last) return { rows: page }
  return { rows: page, next: keys.map((_, at) => last[nameOfKey(at)]!) }
}

const isPlaceOf = (keys: readonly SortKey[], place: RegistryPlace): boolean =>
  place.length === keys.length && keys.every(({ type }, at) => typeof place[at] === type)

const pageToken = (): DomainError =>
  new DomainError('invalid', 'page_token', 'Invalid page token: send the one of the page before, of the same search')

const nameOfKey = (at: number): string => `key_${at}`

/** Beyond the place, key by key: `a > x or (a = x and (b > y or …))`, with a bound on the first that an index can begin at. */
function isAfter(keys: readonly SortKey[], place: RegistryPlace): RawBuilder<unknown> {
  const beyond = (at: number): RawBuilder<unknown> => {
    const { column, isAscending } = keys[at]!
    const passes = isAscending ? sql`${column} > ${place[at]}` : sql`${column} < ${place[at]}`
    return at === keys.length - 1 ? passes : sql`(${passes} or (${column} = ${place[at]} and ${beyond(at + 1)}))`
  }
  const [first] = keys
  const bound = first!.isAscending ? sql`${first!.column} >= ${place[0]}` : sql`${first!.column} <= ${place[0]}`
  return sql`${bound} and ${beyond(0)}`
}

/** Beyond it, walking the order finds a page soon enough. */
const fewMax = 1_000

/** A superset of what passes the condition, where an index says that it is small: then those are read, and the order is not walked. */
async function findFew(
  { db, reader, searched }: RegistrySearchDeps & { readonly searched: Searched },
  condition: Condition<RegistryComparison>,
): Promise<readonly FewRow[] | undefined> {
  for (const rows of sourcesOf(condition, searched)) {
    const query = sql<FewRow>`${rows} limit ${fewMax + 1}`
    const found = await reader.all(query.compile(on(db)))
    if (found.length <= fewMax) return found
  }
  return undefined
}

/** Each gives a superset of what passes, from an index: of `all` any part may, of `any` all parts together. */
const sourcesOf = (condition: Condition<RegistryComparison>, searched: Searched): readonly RawBuilder<unknown>[] =>
  foldCondition<RegistryComparison, readonly RawBuilder<unknown>[]>(condition, {
    leaf: (leaf) => {
      const rows = indexedRows(leaf, searched)
      return rows ? [rows] : []
    },
    all: (parts) => parts.flat(),
    any: (parts) => {
      const firsts = parts.map(([first]) => first)
      const isWhole = firsts.length > 0 && firsts.every((first) => first !== undefined)
      return isWhole ? [sql`select * from (${sql.join(firsts, sql` union all `)}) found`] : []
    },
    not: () => [],
  })

interface FewRow {
  readonly model: string
  /** Of a search of versions. */
  readonly version?: number
}

function isAmong(few: readonly FewRow[], { kind, of }: Searched): RawBuilder<unknown> {
  if (few.length === 0) return sql`1 = 0`
  if (of === 'models') return sql`m.name in (${sql.join(few.map(({ model }) => model))})`
  const ids = few.map(({ model, version = 0 }) => ({ model, version }))
  return sql`(v.model, v.version) in (select id.value ->> 0, cast(id.value ->> 1 as integer) from ${versionRows(kind, ids)})`
}
