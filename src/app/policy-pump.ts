// What passes with time: monitors are evaluated, rollouts judged and loops moved, in this order, whenever something may have changed.
import type { Connection } from '../platform/database.ts'
import type { Actor } from '../governance/audit.ts'
import type { LoopEngine } from '../loop/loop-engine.ts'
import { evaluateMonitors } from '../monitoring/evaluation.ts'
import type { VersionLookup } from '../monitoring/version-facts.ts'
import { watermarkMs } from '../monitoring/watermark.ts'
import { sleep, type Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/errors.ts'
import type { IdSource } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { tickAbTest } from '../rollouts/ab-tests.ts'
import type { Rehearse } from '../rollouts/rehearsal.ts'
import { tickRollouts } from '../rollouts/tick.ts'
import type { Endpoint } from '../serving/endpoint.ts'
import { listEndpoints } from '../serving/endpoint-store.ts'
import type { Tables } from './tables.ts'

export interface PolicyPumpDeps {
  readonly db: Connection<Tables>
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  readonly versions: VersionLookup
  readonly loops: LoopEngine
  /** Of the version that a promotion could be taken back to. */
  readonly rehearse: Rehearse
  /** Called after a turn that may have written events. */
  readonly wakeEvents: () => void
  /** Called as soon as traffic may have moved. */
  readonly wakeGateways: () => void
}

export interface PolicyPump extends AsyncDisposable {
  /** Something came in: a turn follows soon. */
  readonly wake: () => void
}

const idleMs = 1_000
/** Between two turns, so that a stream of reports is not one turn each. */
const restMs = 50

export function startPolicyPump(deps: PolicyPumpDeps): PolicyPump {
  const stop = new AbortController()
  let nudge = new AbortController()
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      nudge = new AbortController()
      await turn(deps).catch((error: unknown) =>
        deps.log.error('policies could not be looked after', { error: messageOf(error) }),
      )
      await sleep(restMs, stop.signal)
      if (!stop.signal.aborted) await sleep(idleMs, nudge.signal)
    }
  }
  const finished = run()
  const wake = (): void => nudge.abort()
  return {
    wake,
    async [Symbol.asyncDispose]() {
      stop.abort()
      wake()
      await finished
    },
  }
}

async function turn(deps: PolicyPumpDeps): Promise<void> {
  for (const endpoint of await listEndpoints(deps.db)) await lookAfter(deps, endpoint)
  await deps.loops.tick()
  deps.wakeGateways()
  deps.wakeEvents()
}

async function lookAfter(deps: PolicyPumpDeps, endpoint: Endpoint): Promise<void> {
  const { db, clock, ids, log, versions, rehearse, wakeGateways } = deps
  const nowMs = endpoint.clock === 'event' ? await watermarkMs(db, endpoint.name) : clock()
  if (nowMs === undefined) return // Nothing was answered yet, so no policy time has passed.
  const champion = endpoint.variants.find(({ role }) => role === 'champion')?.version
  await evaluateMonitors({ db, clock, ids, versions }, { endpoint: endpoint.name, champion, nowMs })
  const actor: Actor = { name: `rollouts:${endpoint.name}`, clock, ids }
  const verdicts = await tickRollouts({ db, actor, log, rehearse }, { endpoint: endpoint.name, nowMs })
  const compared = await tickAbTest({ db, actor, log }, { endpoint: endpoint.name, nowMs })
  if (verdicts.length > 0 || compared) wakeGateways()
}
