// The only file that reads or writes the tables loop_spec and loop_state.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { Code } from '../experiments/run.ts'
import { DomainError } from '../platform/errors.ts'
import { LoopState } from './policy-state.ts'
import { LoopSpec } from './spec.ts'

export interface LoopTables {
  loop_spec: {
    loop: string
    version: number
    digest: string
    spec: string
    /** JSON of `Code`. */
    code: string | null
    applied_by: string
    applied_ms: number
  }
  loop_state: { loop: string; state: string; event_seq: number; decisions: number }
}

/** One applied state of a loop file; the newest is what runs. */
export interface AppliedSpec {
  readonly version: number
  /** sha256 of the spec's JSON. */
  readonly digest: string
  readonly spec: LoopSpec
  /** Of the project that it was applied from; null: none was sent. */
  readonly code: Code | null
  readonly appliedBy: string
  readonly appliedMs: number
}

export async function findAppliedSpec(db: Db<LoopTables>, loop: string): Promise<AppliedSpec | undefined> {
  const row = await on(db)
    .selectFrom('loop_spec')
    .selectAll()
    .where('loop', '=', loop)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!row) return undefined
  const { version, digest, applied_by: appliedBy, applied_ms: appliedMs } = row
  const code = codeOf(row.code)
  return { version, digest, spec: LoopSpec.parse(JSON.parse(row.spec)), code, appliedBy, appliedMs }
}

const codeOf = (text: string | null): Code | null => (text === null ? null : Code.parse(JSON.parse(text)))

/** The code that an applied version came with; null without, and for a version that there is not. */
export async function findCode(
  db: Db<LoopTables>,
  { loop, version }: { loop: string; version: number },
): Promise<Code | null> {
  const row = await on(db)
    .selectFrom('loop_spec')
    .select('code')
    .where('loop', '=', loop)
    .where('version', '=', version)
    .executeTakeFirst()
  return codeOf(row?.code ?? null)
}

/** @throws DomainError loop_not_found */
export async function getAppliedSpec(db: Db<LoopTables>, loop: string): Promise<AppliedSpec> {
  const applied = await findAppliedSpec(db, loop)
  if (applied) return applied
  throw new DomainError(
    'not_found',
    'loop_not_found',
    `there is no loop "${loop}": run \`trueloop apply\` in its folder`,
  )
}

export async function insertAppliedSpec(trx: Transaction<LoopTables>, applied: AppliedSpec): Promise<void> {
  const { version, digest, spec, code, appliedBy, appliedMs } = applied
  const row = {
    loop: spec.name,
    version,
    digest,
    spec: JSON.stringify(spec),
    code: code && JSON.stringify(code),
    applied_by: appliedBy,
    applied_ms: appliedMs,
  }
  await on(trx).insertInto('loop_spec').values(row).execute()
}

/** In the order of their names. */
export async function listLoopNames(db: Db<LoopTables>): Promise<string[]> {
  const rows = await on(db).selectFrom('loop_spec').select('loop').distinct().orderBy('loop').execute()
  return rows.map(({ loop }) => loop)
}

export interface StoredState {
  readonly state: LoopState
  /** The last event that was heard. */
  readonly eventSeq: number
  /** Decisions so far. */
  readonly decisions: number
}

export async function findState(db: Db<LoopTables>, loop: string): Promise<StoredState | undefined> {
  const row = await on(db).selectFrom('loop_state').selectAll().where('loop', '=', loop).executeTakeFirst()
  if (!row) return undefined
  return { state: LoopState.parse(JSON.parse(row.state)), eventSeq: row.event_seq, decisions: row.decisions }
}

export async function putState(trx: Transaction<LoopTables>, loop: string, stored: StoredState): Promise<void> {
  const change = { state: JSON.stringify(stored.state), event_seq: stored.eventSeq, decisions: stored.decisions }
  await on(trx)
    .insertInto('loop_state')
    .values({ loop, ...change })
    .onConflict((c) => c.column('loop').doUpdateSet(change))
    .execute()
}
