// The loop engine: hears events and time, keeps the policy machine's state with its decisions and commands in one transaction, and has the commands done.
import type { Clock } from '../platform/clock.ts'
import { transact, type Connection, type Transaction } from '../platform/database.ts'
import type { EventConsumer } from '../platform/dispatcher.ts'
import { DomainError, messageOf } from '../platform/errors.ts'
import type { EventTables, StoredEvent } from '../platform/events.ts'
import type { Log } from '../platform/log.ts'
import type { LoopActions } from './actions.ts'
import { insertCommands, listPendingCommands, updateCommand, type StoredCommand } from './command-store.ts'
import { insertDecisions, type DecisionTables } from './decision-store.ts'
import { heardEventTypes, hearEvent, type HeardInput, type HeardTables } from './heard-events.ts'
import { findState, getAppliedSpec, listLoopNames, putState, type AppliedSpec } from './loop-store.ts'
import { emptyState, type LoopInput, type LoopState, type PolicySettings } from './policy-state.ts'
import { advance, type Advance } from './policy.ts'
import { policySettings, type LoopSpec } from './spec.ts'
import { trainingPipeline } from './training-pipeline.ts'

export type LoopEngineTables = HeardTables & DecisionTables & EventTables

export interface LoopEngineDeps {
  readonly db: Connection<LoopEngineTables>
  readonly clock: Clock
  readonly log: Log
  readonly actions: LoopActions
  /** The watermark of an endpoint in milliseconds; undefined before its first prediction. Asked only by loops on the event clock. */
  readonly watermarkMs: (endpoint: string) => Promise<number | undefined>
}

export interface LoopEngine {
  /** For the dispatcher. */
  readonly consumer: EventConsumer
  /** Lets policy time pass in every loop, and does what was left undone. Call it each second or so, and once at start. */
  tick(): Promise<void>
}

const triesMax = 5
const retryBaseMs = 500

export function createLoopEngine(deps: LoopEngineDeps): LoopEngine {
  // One thing at a time: a pipeline's end may not be heard before its beginning is written down.
  let lane: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = lane.then(work)
    lane = turn.catch(() => undefined) // Its caller hears of it; the next turn does not.
    return turn
  }
  return {
    consumer: {
      name: 'loop',
      types: heardEventTypes,
      handle: (event) => inTurn(() => handle(deps, event)),
    },
    tick: () => inTurn(() => tick(deps)),
  }
}

async function handle(deps: LoopEngineDeps, event: StoredEvent): Promise<void> {
  await doPendingCommands(deps)
  const heard = await hearEvent(deps.db, event)
  for (const loop of new Set(heard.map((each) => each.loop))) {
    const inputs = heard.flatMap((each) => (each.loop === loop ? [{ ...each.input, eventSeq: event.seq }] : []))
    await hear(deps, loop, inputs)
  }
  await doPendingCommands(deps)
}

async function tick(deps: LoopEngineDeps): Promise<void> {
  await doPendingCommands(deps)
  for (const loop of await listLoopNames(deps.db)) await hear(deps, loop, [{ kind: 'tick' }])
  await doPendingCommands(deps)
}

/** An input without its policy time, which the engine gives it. */
type Timeless = HeardInput['input'] & { readonly eventSeq?: number }

async function hear(deps: LoopEngineDeps, loop: string, heard: readonly Timeless[]): Promise<void> {
  const { spec } = await getAppliedSpec(deps.db, loop)
  const atMs = await policyTimeMs(deps, spec)
  const inputs = heard.map((input) => ({ ...input, atMs }))
  await transact(deps.db, (trx) => advanceStored(trx, deps.clock(), { spec, inputs }))
}

/** Moves one loop's machine by all that one event said and stores what came of it. An event that it has heard is not heard again. */
async function advanceStored(
  trx: Transaction<LoopEngineTables>,
  recordedMs: number,
  { spec, inputs }: { spec: LoopSpec; inputs: readonly LoopInput[] },
): Promise<void> {
  const loop = spec.name
  const stored = (await findState(trx, loop)) ?? { state: emptyState, eventSeq: 0, decisions: 0 }
  const eventSeq = inputs[0]?.eventSeq
  if (eventSeq !== undefined && eventSeq <= stored.eventSeq) return
  const next = advanceAll(stored.state, inputs, policySettings(spec))
  // Time alone is not worth a write each second; it is told again by the next input.
  const isTick = inputs.every(({ kind }) => kind === 'tick')
  if (isTick && isSameButTime(stored.state, next.state)) return
  await insertDecisions(
    trx,
    loop,
    next.decisions.map((decision, index) => ({ ...decision, number: stored.decisions + index + 1, recordedMs })),
  )
  await insertCommands(trx, loop, next.commands)
  await putState(trx, loop, {
    state: next.state,
    eventSeq: eventSeq ?? stored.eventSeq,
    decisions: stored.decisions + next.decisions.length,
  })
}

function advanceAll(state: LoopState, inputs: readonly LoopInput[], settings: PolicySettings): Advance {
  let all: Advance = { state, decisions: [], commands: [] }
  for (const input of inputs) {
    const next = advance(all.state, input, settings)
    all = {
      state: next.state,
      decisions: [...all.decisions, ...next.decisions],
      commands: [...all.commands, ...next.commands],
    }
  }
  return all
}

const isSameButTime = (before: LoopState, after: LoopState): boolean =>
  JSON.stringify({ ...before, nowMs: 0 }) === JSON.stringify({ ...after, nowMs: 0 })

/**
 * Wall time, or the watermark. Before an event-clock loop has answered anything, the end of its first window: the moment at which a loop
 * that begins on history begins.
 */
async function policyTimeMs(deps: LoopEngineDeps, spec: LoopSpec): Promise<number> {
  if (spec.clock.kind === 'wall') return deps.clock()
  const watermarkMs = await deps.watermarkMs(spec.endpoint.name)
  if (watermarkMs !== undefined) return watermarkMs
  const stored = await findState(deps.db, spec.name)
  return policySettings(spec).firstWindow?.toMs ?? stored?.state.dataset?.timeMaxMs ?? stored?.state.nowMs ?? 0
}

async function doPendingCommands(deps: LoopEngineDeps): Promise<void> {
  for (const pending of await listPendingCommands(deps.db, deps.clock())) await doCommand(deps, pending)
}

async function doCommand(deps: LoopEngineDeps, stored: StoredCommand): Promise<void> {
  const { command, loop } = stored
  const applied = await getAppliedSpec(deps.db, loop)
  const { spec } = applied
  const tries = stored.tries + 1
  let reference: string | null
  try {
    reference = await perform(deps.actions, applied, command)
  } catch (error) {
    return settleFailure(deps, { spec, command, tries, error })
  }
  const atMs = await policyTimeMs(deps, spec)
  await transact(deps.db, async (trx) => {
    await updateCommand(trx, command.id, { state: 'done', reference, tries, error: null })
    const answer = answerTo(command)
    if (answer) await advanceStored(trx, deps.clock(), { spec, inputs: [{ ...answer, atMs }] })
  })
}

/** What is done when its action resolves is heard of at once; of all else an event tells later. */
function answerTo(command: StoredCommand['command']): HeardInput['input'] | undefined {
  const { id, kind } = command
  if (kind === 'go_live') return { kind: 'went_live', command: id, modelVersion: command.modelVersion }
  if (kind === 'take_back') return { kind: 'taken_back', command: id, sentence: command.sentence }
  return undefined
}

/** Answers the reference of what was begun; null where it is done already. */
async function perform(
  actions: LoopActions,
  applied: AppliedSpec,
  command: StoredCommand['command'],
): Promise<string | null> {
  const request = { commandId: command.id, spec: applied.spec, specVersion: applied.version }
  switch (command.kind) {
    case 'start_ingest':
      return (await actions.startIngest(request)).reference
    case 'start_training':
      return (await actions.startTraining({ ...request, pipeline: trainingPipeline(applied, command) })).reference
    case 'go_live': {
      const { modelVersion, sentence: reason } = command
      await actions.goLive({ ...request, modelVersion, reason })
      return null
    }
    case 'start_rollout': {
      const { champion, challenger, sentence: reason } = command
      return (await actions.startRollout({ ...request, champion, challenger, reason })).reference
    }
    case 'take_back': {
      const { rollout, sentence: reason } = command
      await actions.takeBack({ ...request, rollout, reason })
      return null
    }
  }
}

interface Failure {
  readonly spec: LoopSpec
  readonly command: StoredCommand['command']
  readonly tries: number
  readonly error: unknown
}

/** Tried again later, or the end of the attempt, told in the story. */
async function settleFailure(deps: LoopEngineDeps, { spec, command, tries, error }: Failure): Promise<void> {
  const reason = messageOf(error)
  const isLasting = error instanceof DomainError && error.kind !== 'unavailable'
  const fields = { loop: spec.name, command: command.id, tries, error: reason }
  if (!isLasting && tries < triesMax) {
    deps.log.warn('a command of the loop is tried again', fields)
    const nextTryMs = deps.clock() + retryBaseMs * 2 ** tries
    await transact(deps.db, (trx) => updateCommand(trx, command.id, { tries, next_try_ms: nextTryMs, error: reason }))
    return
  }
  deps.log.error('a command of the loop failed', fields)
  const atMs = await policyTimeMs(deps, spec)
  await transact(deps.db, async (trx) => {
    await updateCommand(trx, command.id, { state: 'failed', tries, error: reason })
    const input = { kind: 'failed', atMs, command: command.id, reason } as const
    await advanceStored(trx, deps.clock(), { spec, inputs: [input] })
  })
}
