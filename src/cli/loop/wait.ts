// trueloop apply --wait: follows a loop until the model that it trains is live, is refused, or fails.
import type { Client } from '../../client/http-client.ts'
import { monotonicMs, sleep } from '../../platform/clock.ts'
import { DomainError } from '../../platform/errors.ts'
import { untilServed } from '../gateway/until-served.ts'
import type { Terminal } from '../terminal.ts'
import { plain } from '../text.ts'
import { findLoopRun, readDecisions, readLoop, runProgress, type LoopDetail, type StoredDecision } from './loop-view.ts'

export interface WaitInput {
  readonly loop: string
  /** What was applied: until the loop has heard of it, its state is of before. */
  readonly specVersion: number
  /** Number of the last decision before it was applied. */
  readonly after: number
  readonly timeoutMs: number
  readonly endpoint: string
  /** Where a version that is live is waited for once more; undefined: no gateway runs in this home. */
  readonly gatewayUrl: string | undefined
}

/** The loop and where the news goes. */
export interface WaitDeps {
  readonly client: Client
  readonly terminal: Terminal
}

const pollMs = 300
const serveLimitMs = 30_000

type Ending =
  | { readonly kind: 'live' | 'rolling_out' | 'unchanged' | 'held'; readonly sentence: string }
  | { readonly kind: 'refused' | 'failed'; readonly sentence: string }

/**
 * Tells each decision as it comes, and how far the work is. Answers how it ended.
 * @throws DomainError gate_failed (exit code 7), training_failed, wait_timeout (exit code 124)
 */
export async function waitForLoop({ client, terminal }: WaitDeps, input: WaitInput): Promise<string> {
  const { loop, timeoutMs } = input
  const startedMs = monotonicMs()
  const progress = terminal.progress(loop)
  const heard: StoredDecision[] = []
  for (;;) {
    const { state } = await readLoop(client, loop) // Before its decisions: they are then at least as new.
    const news = await readDecisions(client, loop, heard.at(-1)?.number ?? input.after)
    heard.push(...news)
    for (const { sentence } of news) progress.note(plain(sentence))
    const ending = state.specVersion >= input.specVersion ? endingOf(state, heard) : undefined
    if (ending) {
      progress.done(ending.kind.replaceAll('_', ' '))
      if (ending.kind === 'refused') throw new DomainError('conflict', 'gate_failed', ending.sentence)
      if (ending.kind === 'failed') throw new DomainError('unavailable', 'training_failed', ending.sentence)
      if (ending.kind === 'live') await reachGateway(input, state.champion)
      return ending.sentence
    }
    const run = await findLoopRun(client, loop)
    if (run) {
      const { fraction, text } = runProgress(run)
      progress.update(fraction, plain(text))
    }
    if (monotonicMs() - startedMs > timeoutMs) {
      const message = `loop "${loop}" is still ${state.phase.replaceAll('_', ' ')} after ${Math.round(timeoutMs / 1000)} seconds; it goes on: "trueloop status" shows it`
      throw new DomainError('unavailable', 'wait_timeout', message)
    }
    await sleep(pollMs)
  }
}

/** "Live" is what can be asked at once. @throws DomainError wait_timeout */
async function reachGateway({ endpoint, gatewayUrl }: WaitInput, version: string | null): Promise<void> {
  if (gatewayUrl === undefined || version === null) return
  if (await untilServed({ gatewayUrl, endpoint, version, limitMs: serveLimitMs })) return
  const message = `${version} is live, but after ${serveLimitMs / 1000} seconds the gateway does not serve it yet: "trueloop logs gateway" says why`
  throw new DomainError('unavailable', 'wait_timeout', message)
}

/** How it ended, by what was decided since; undefined while work is under way. Pure. */
export function endingOf(state: LoopDetail['state'], heard: readonly StoredDecision[]): Ending | undefined {
  const { attempt, champion, heldFor, paused, phase, requested } = state
  // A rollout takes as long as its traffic takes: nothing to wait for here.
  if (phase === 'rolling_out') {
    const sentence = `${attempt?.candidate ?? 'A new version'} is in a rollout against ${champion ?? 'nothing'}; "trueloop rollout list" tells how it goes.`
    return { kind: 'rolling_out', sentence }
  }
  if (attempt) return undefined
  const last = heard.findLast(({ kind }) => endings.has(kind))
  if (last) return { kind: endings.get(last.kind) ?? 'live', sentence: last.sentence }
  if (paused) return { kind: 'held', sentence: 'It is paused: "trueloop loop resume" lets it decide again.' }
  if (heldFor !== null) return { kind: 'held', sentence: `It waits: ${heldFor}.` }
  // Nothing was begun, and nothing has to be.
  if (champion !== null && requested === null) return { kind: 'unchanged', sentence: `${champion} goes on serving.` }
  return undefined
}

const endings: ReadonlyMap<StoredDecision['kind'], Ending['kind']> = new Map([
  ['went_live', 'live'],
  ['promoted', 'live'],
  ['gate_refused', 'refused'],
  ['attempt_failed', 'failed'],
  ['rolled_back', 'refused'],
  ['inconclusive', 'refused'],
  ['retrain_held', 'held'],
  ['data_awaited', 'held'],
])
