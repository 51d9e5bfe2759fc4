// Brings every worker to the newest configuration: in place when nothing slow must be loaded, else by one replacement after the other.
import { sleep } from '../../platform/clock.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { fleetOf, type GatewayConfig, type Variant } from '../gateway-config.ts'
import { inPlaceLoadMs, leavingWorkersMax, startLimitMs } from '../contract/gateway-limits.ts'
import type { Applied, Fleet, Member } from './fleet.ts'
import type { Preparer } from './preparer.ts'

export interface ConfigRollout {
  /** The workers follow soon; a newer target overtakes one that is under way. */
  setTarget(config: GatewayConfig): void
  /** After a loss: as many workers as there should be. */
  refill(): void
  readonly target: GatewayConfig | undefined
  /** Resolves when every worker has followed the newest target, with the loads that failed; undefined: not within the time. */
  reached(): Promise<Applied['failures'] | undefined>
  stop(): Promise<void>
}

export interface ConfigRolloutDeps {
  readonly fleet: Fleet
  /** Where the configuration asks for no number. */
  readonly workers: number
  readonly port: number
  /** Has versions loaded once before workers meet them. */
  readonly preparer: Pick<Preparer, 'prepare' | 'loadMs' | 'hasFailed'>
  readonly log: Log
}

const retryBaseMs = 100
const retryCapMs = 5_000
const leavingPollMs = 100
const reachedPollMs = 20

const variantsOf = (config: GatewayConfig): Variant[] =>
  config.endpoints.flatMap(({ variants }) => variants.filter(({ quarantined }) => !quarantined))

/** What each worker was last told to serve. */
type Told = Map<Member, GatewayConfig>

const wantedOf = ({ workers }: ConfigRolloutDeps, config: GatewayConfig): number => fleetOf(config).workers ?? workers

interface Following {
  /** What the worker was told last. */
  readonly before: GatewayConfig | undefined
  readonly config: GatewayConfig
}

/** What the worker would have to load: each version for itself, also one whose graph another has too, and what it could not load but may now. */
function newTo({ preparer }: ConfigRolloutDeps, member: Member, { before, config }: Following): Variant[] {
  const has = new Map((before ? variantsOf(before) : []).map(({ version, digest }) => [version, digest]))
  const missing = new Set(member.failures.map(({ version }) => version))
  return variantsOf(config).filter(
    (variant) =>
      has.get(variant.version) !== variant.digest || (missing.has(variant.version) && !preparer.hasFailed(variant)),
  )
}

/** Whether the worker can go on with it: all that is new to it loads without being noticed, and it was not asked to be replaced. */
function isQuick(deps: ConfigRolloutDeps, member: Member, following: Following): boolean {
  const { before, config } = following
  if (before && fleetOf(before).restarts !== fleetOf(config).restarts) return false
  return newTo(deps, member, following).every((variant) => (deps.preparer.loadMs(variant) ?? Infinity) <= inPlaceLoadMs)
}

async function startWorker({ fleet, port }: ConfigRolloutDeps, told: Told, config: GatewayConfig): Promise<void> {
  const member = await fleet.start(config, port)
  told.set(member, config)
}

const membersIn = ({ fleet }: ConfigRolloutDeps, state: Member['state']): Member[] =>
  [...fleet.members].filter((member) => member.state === state)

interface Step {
  readonly told: Told
  readonly config: GatewayConfig
  /** Resolves when there is a newer one, or a worker was lost. */
  readonly woken: Promise<void>
}

/** One step towards the configuration; false: every worker serves it. */
async function step(deps: ConfigRolloutDeps, { told, config, woken }: Step): Promise<boolean> {
  for (const member of told.keys()) if (!deps.fleet.members.has(member)) told.delete(member)
  const serving = membersIn(deps, 'serving')
  for (const member of serving) {
    if (told.get(member) === config || !isQuick(deps, member, { before: told.get(member), config })) continue
    told.set(member, config)
    deps.fleet.send(member, { kind: 'config', config })
  }
  const missing = wantedOf(deps, config) - serving.length
  if (missing > 0) {
    await Promise.all(Array.from({ length: missing }, () => startWorker(deps, told, config)))
    return true
  }
  const behind = serving.find((member) => told.get(member) !== config)
  if (behind) {
    const preparing = deps.preparer.prepare(newTo(deps, behind, { before: told.get(behind), config }), {
      isWaitedFor: true,
    })
    if (preparing) {
      await Promise.race([preparing, woken])
      return true
    }
    // For the workers to come.
  } else void deps.preparer.prepare(variantsOf(config), { isWaitedFor: false })
  if (missing < 0) {
    void deps.fleet.leave(behind ?? serving[0]!)
    return true
  }
  if (!behind) return false
  // Workers that still answer on old connections hold their models: not more than a few at a time.
  if (membersIn(deps, 'leaving').length >= leavingWorkersMax) await sleep(leavingPollMs)
  else {
    await startWorker(deps, told, config)
    void deps.fleet.leave(behind)
  }
  return true
}

export function startConfigRollout(deps: ConfigRolloutDeps): ConfigRollout {
  const told: Told = new Map()
  let target: GatewayConfig | undefined
  let woken = Promise.withResolvers<void>()
  let working: Promise<void> | undefined
  let isStopped = false

  const work = async (): Promise<void> => {
    for (let failures = 0; !isStopped && target;) {
      try {
        if (!(await step(deps, { told, config: target, woken: woken.promise }))) return
        failures = 0
      } catch (error) {
        failures++
        deps.log.warn('a gateway worker did not come up', { failures, error: messageOf(error) })
        await sleep(Math.min(retryCapMs, retryBaseMs * 2 ** Math.min(failures, 10)))
      }
    }
  }
  /** A change that comes after the last look of a turn that is just ending is not missed: the turn after it looks again. */
  const wake = (): void => {
    if (isStopped) return
    woken.resolve()
    woken = Promise.withResolvers()
    if (working) void working.then(wake)
    else {
      working = work().finally(() => {
        working = undefined
      })
    }
  }
  return {
    setTarget(config) {
      target = config
      wake()
    },
    refill: wake,
    get target() {
      return target
    },
    async reached() {
      for (let waitedMs = 0; waitedMs <= startLimitMs; waitedMs += reachedPollMs) {
        const serving = membersIn(deps, 'serving')
        const hasAll = (member: Member): boolean => told.get(member) === target && member.applied === member.sent
        if (!working && target && serving.length === wantedOf(deps, target) && serving.every(hasAll))
          return serving.flatMap(({ failures }) => failures)
        await sleep(reachedPollMs)
      }
      return undefined
    },
    async stop() {
      isStopped = true
      await working
    },
  }
}
