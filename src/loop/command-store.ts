// The only file that reads or writes the table loop_command: what the policy asked for, and what came of asking.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { LoopCommand } from './policy-state.ts'

export interface CommandTables {
  loop_command: {
    id: string
    loop: string
    command: string
    /** pending, done or failed */
    state: string
    /** The pipeline run or rollout that it began. */
    reference: string | null
    tries: number
    next_try_ms: number
    error: string | null
  }
}

export interface StoredCommand {
  readonly loop: string
  readonly command: LoopCommand
  readonly tries: number
}

/** Pending from now on. */
export async function insertCommands(
  trx: Transaction<CommandTables>,
  loop: string,
  commands: readonly LoopCommand[],
): Promise<void> {
  if (commands.length === 0) return
  const rows = commands.map((command) => ({
    id: command.id,
    loop,
    command: JSON.stringify(command),
    state: 'pending',
    reference: null,
    tries: 0,
    next_try_ms: 0,
    error: null,
  }))
  await on(trx).insertInto('loop_command').values(rows).execute()
}

const pendingMax = 100

/** Those that may be tried at `nowMs` (wall time), in the order in which they were asked. */
export async function listPendingCommands(db: Db<CommandTables>, nowMs: number): Promise<StoredCommand[]> {
  const rows = await on(db)
    .selectFrom('loop_command')
    .selectAll()
    .where('state', '=', 'pending')
    .where('next_try_ms', '<=', nowMs)
    .orderBy('id')
    .limit(pendingMax)
    .execute()
  return rows.map(({ loop, command, tries }) => ({ loop, command: LoopCommand.parse(JSON.parse(command)), tries }))
}

export async function updateCommand(
  trx: Transaction<CommandTables>,
  id: string,
  change: Partial<Omit<CommandTables['loop_command'], 'id' | 'loop' | 'command'>>,
): Promise<void> {
  await on(trx).updateTable('loop_command').set(change).where('id', '=', id).execute()
}

/** The command that began this pipeline run or rollout: by what it answered, or by the id itself, where the run was begun under it. */
export async function findCommandByReference(
  db: Db<CommandTables>,
  reference: string,
): Promise<StoredCommand | undefined> {
  const row = await on(db)
    .selectFrom('loop_command')
    .selectAll()
    .where((where) => where.or([where('reference', '=', reference), where('id', '=', reference)]))
    .executeTakeFirst()
  return row && { loop: row.loop, command: LoopCommand.parse(JSON.parse(row.command)), tries: row.tries }
}
