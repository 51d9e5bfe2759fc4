// Starting an A/B test, looking after it, and ending it: what moves traffic, and what is written down of it.
import { createHash } from 'node:crypto'
import type { Actor } from '../governance/audit.ts'
import { recordAudit } from '../governance/audit.ts'
import { recordLineage } from '../governance/lineage.ts'
import { findAlias } from '../models/alias-store.ts'
import { parseVersion, versionNode, versionText } from '../models/model-version.ts'
import { sharedArmStatistics } from '../monitoring/arm-statistics.ts'
import { transact, within, type Connection, type Db } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent } from '../platform/events.ts'
import type { Log } from '../platform/log.ts'
import type { Endpoint, EndpointVariant } from '../serving/endpoint.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import { getEndpoint, setVariants } from '../serving/endpoints.ts'
import { judgeAbTest, type AbJudgement } from './ab/judging.ts'
import {
  abTestActive,
  abTestNotFound,
  abTestOver,
  controlWeight,
  treatmentServes,
  type AbPlan,
  type AbState,
  type AbTest,
  type AbVerdict,
} from './ab-test.ts'
import { findAbTest, findActiveAbTest, insertAbVerdict, listAbVerdicts, putAbTest } from './ab/ab-test-store.ts'
import { RolloutPolicy, rolloutActive, rolloutWithoutChampion } from './rollout.ts'
import { findActiveRollout, findLastPromotion, putRollout } from './rollout-store.ts'
import { assertFree, startRollout } from './rollouts.ts'
import type { RolloutDatabase, RolloutTrx } from './traffic-moves.ts'

export interface NewAbTest {
  readonly endpoint: string
  readonly plan: AbPlan
  readonly reason: string
  /** Policy time. */
  readonly nowMs: number
}

const variantsOf = ({ control, plan }: Pick<AbTest, 'control' | 'plan'>): EndpointVariant[] => [
  { version: control, role: 'champion', weight: controlWeight(plan) },
  ...plan.treatments.map(({ version, weight }): EndpointVariant => ({ version, role: 'canary', weight })),
]

/**
 * Puts the treatments beside the champion, all in one transaction (the caller's, when it is given one): variants, lineage, audit and the event
 * `ab_test.started`. One test or rollout at a time behind an endpoint.
 * @throws DomainError ab_test_active, rollout_active, rollout_without_champion, treatment_serves, endpoint_variants_taken, endpoint_not_found,
 * model_version_not_found, version_not_approved
 */
export async function startAbTest(db: Db<RolloutDatabase>, actor: Actor, input: NewAbTest): Promise<AbTest> {
  return within(db, async (trx) => {
    const { endpoint, plan, reason, nowMs } = input
    const control = await controlOf(trx, input)
    const test: AbTest = {
      id: actor.ids('abt'),
      endpoint,
      control,
      plan,
      planDigest: createHash('sha256').update(JSON.stringify(plan)).digest('hex'),
      state: 'running',
      winner: null,
      startedMs: nowMs,
      finishedMs: null,
      sentence: `${plan.hypothesis} (${reason})`,
      createdBy: actor.name,
      createdAtMs: actor.clock(),
    }
    await putAbTest(trx, test)
    await setVariants(trx, actor, { endpoint, variants: variantsOf(test), reason: `A/B test ${test.id}: ${reason}` })
    const atMs = actor.clock()
    const versions = [control, ...plan.treatments.map(({ version }) => version)]
    await recordLineage(
      trx,
      versions.map((version) => ({
        upstream: versionNode(parseVersion(version)),
        downstream: `ab_test:${test.id}`,
        relation: 'judged_by',
        atMs,
      })),
    )
    await recordAudit(trx, actor, {
      action: 'ab_test.start',
      subject: test.id,
      detail: { endpoint, control, plan, reason },
    })
    const payload = { id: test.id, endpoint, control, hypothesis: plan.hypothesis, treatments: plan.treatments }
    await appendEvent(trx, { type: 'ab_test.started', subject: endpoint, payload, atMs })
    return test
  })
}

/** The champion that the treatments meet; every reason against beginning is found here, or by setting the variants. */
async function controlOf(trx: RolloutTrx, { endpoint: name, plan }: NewAbTest): Promise<string> {
  const running = await findActiveAbTest(trx, name)
  if (running) throw abTestActive(name, running.id)
  const rollout = await findActiveRollout(trx, name)
  if (rollout) throw rolloutActive(name, rollout.id)
  const endpoint = await getEndpoint(trx, name)
  const champion = endpoint.variants.find(({ role }) => role === 'champion')?.version
  const { model } = parseVersion(champion ?? plan.treatments[0]!.version)
  const alias = await findAlias(trx, { model, alias: 'champion' })
  if (!champion || !alias || versionText({ model, version: alias.version }) !== champion) {
    throw rolloutWithoutChampion(name, model)
  }
  const serving = plan.treatments.find(({ version }) => version === champion)
  if (serving) throw treatmentServes(name, serving.version)
  assertFree(endpoint)
  const watched = await findLastPromotion(trx, name)
  if (watched && watched.watchUntilMs !== null) await putRollout(trx, { ...watched, watchUntilMs: null })
  return champion
}

export interface AbTickDeps {
  readonly db: Connection<RolloutDatabase>
  readonly actor: Actor
  readonly log: Log
}

/**
 * Judges the test under way behind an endpoint and acts on it, in one transaction that looks at the state first: it may be called at any
 * moment, as often as one likes, and killed. Answers the verdict if it is new.
 */
export async function tickAbTest(
  { db, actor, log }: AbTickDeps,
  { endpoint, nowMs }: { endpoint: string; nowMs: number },
): Promise<AbVerdict | undefined> {
  try {
    return await transact(db, (trx) => tickOne(trx, actor, { endpoint, nowMs }))
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    log.warn('an A/B test could not end as it should', { endpoint, error: error.message })
    await transact(db, async (trx) => {
      const test = await findActiveAbTest(trx, endpoint)
      const sentence = `it could not end as it should: ${error.message}`
      if (test) await end(trx, actor, { test, state: 'stopped', winner: null, sentence, nowMs })
    })
    return undefined
  }
}

async function tickOne(
  trx: RolloutTrx,
  actor: Actor,
  { endpoint: name, nowMs }: { endpoint: string; nowMs: number },
): Promise<AbVerdict | undefined> {
  const test = await findActiveAbTest(trx, name)
  if (!test) return undefined
  const endpoint = await findEndpoint(trx, name)
  const moved = movedBySomebody(test, endpoint)
  if (moved) {
    await finish(trx, actor, { test, state: 'cancelled', winner: null, sentence: moved, nowMs })
    return undefined
  }
  if (endpoint?.stopped) return undefined
  const judged = takenOut(test, endpoint!) ?? (await judgedOn(trx, test, nowMs))
  const verdict = await storeVerdict(trx, actor, { test, judged, nowMs })
  await act(trx, actor, { test, judged, nowMs })
  return verdict
}

/** Traffic is no longer as the test has set it; undefined: it is. */
function movedBySomebody(test: AbTest, endpoint: Endpoint | undefined): string | undefined {
  if (!endpoint) return `endpoint "${test.endpoint}" is gone`
  const key = ({ version, role, weight }: EndpointVariant): string => `${version} ${role} ${weight.toFixed(9)}`
  const set = new Set(variantsOf(test).map(key))
  const isSame = endpoint.variants.length === set.size && endpoint.variants.every((variant) => set.has(key(variant)))
  return isSame
    ? undefined
    : 'somebody else changed the variants of the endpoint, and its arms can no longer be compared'
}

function takenOut({ plan }: AbTest, { variants }: Endpoint): AbJudgement | undefined {
  const out = variants.find(({ quarantined, role }) => quarantined && role === 'canary')
  if (!out) return undefined
  const reason = `the gateway took ${out.version} out: it hung or ended its worker repeatedly, or could not be loaded`
  const arms = plan.treatments.map(({ version }) => ({
    version,
    verdict: version === out.version ? ('worse' as const) : ('inconclusive' as const),
    reason,
    statistics: {},
  }))
  return { outcome: 'abort', reason, arms, winner: null }
}

async function judgedOn(trx: RolloutTrx, test: AbTest, nowMs: number): Promise<AbJudgement> {
  const { endpoint, plan, control: version, startedMs } = test
  const arms = [
    { version, role: 'champion' as const, weight: controlWeight(plan) },
    ...plan.treatments.map((treatment) => ({ ...treatment, role: 'canary' as const })),
  ]
  const [control, ...treatments] = await sharedArmStatistics(trx, { endpoint, sinceMs: startedMs, arms })
  return judgeAbTest(plan, { control: control!, treatments, elapsedMs: nowMs - startedMs })
}

interface Judged {
  readonly test: AbTest
  readonly judged: AbJudgement
  readonly nowMs: number
}

/** A look that settles nothing new is stored this often at most: under traffic the evidence changes with every report. Wall time. */
const lookIntervalMs = 60_000

/** Stored unless it says the same on the same evidence as the one before, or the same on a little more of it. */
async function storeVerdict(
  trx: RolloutTrx,
  actor: Actor,
  { test, judged, nowMs }: Judged,
): Promise<AbVerdict | undefined> {
  const [last] = await listAbVerdicts(trx, { test: test.id, limit: 1 })
  const { outcome, reason, arms } = judged
  const said = JSON.stringify([outcome, reason, arms])
  if (last && JSON.stringify([last.outcome, last.reason, last.arms]) === said) return undefined
  const verdicts = (of: Pick<AbVerdict, 'outcome' | 'arms'>): string =>
    [of.outcome, ...of.arms.map((arm) => arm.verdict)].join()
  if (last && verdicts(last) === verdicts(judged) && actor.clock() - last.atMs < lookIntervalMs) return undefined
  const verdict: AbVerdict = {
    test: test.id,
    sequence: (last?.sequence ?? 0) + 1,
    outcome,
    reason,
    arms: [...arms],
    planDigest: test.planDigest,
    judgedMs: nowMs,
    atMs: actor.clock(),
  }
  await insertAbVerdict(trx, verdict)
  return verdict
}

const stateOf: Readonly<Record<Exclude<AbJudgement['outcome'], 'continue'>, AbState>> = {
  conclude: 'concluded',
  inconclusive: 'inconclusive',
  abort: 'aborted',
  void: 'void',
}

async function act(trx: RolloutTrx, actor: Actor, { test, judged, nowMs }: Judged): Promise<void> {
  if (judged.outcome === 'continue') return
  const { winner, reason: sentence } = judged
  await end(trx, actor, { test, state: stateOf[judged.outcome], winner, sentence, nowMs })
  if (winner === null || test.plan.whenBetter === 'tell') return
  // As any promotion it is rehearsed, watched and can be taken back; the test was its evidence.
  const policy = RolloutPolicy.parse({ shadow: null, canary: null })
  const reason = `A/B test ${test.id}: ${sentence}`.slice(0, 2000)
  const promotion = { endpoint: test.endpoint, ...parseVersion(winner), policy, nowMs, reason, key: test.id }
  await startRollout(trx, actor, promotion)
}

interface End {
  readonly test: AbTest
  readonly state: AbState
  readonly winner: string | null
  readonly sentence: string
  readonly nowMs: number
}

/** The control has all the traffic again. */
async function end(trx: RolloutTrx, actor: Actor, ending: End): Promise<AbTest> {
  const { test, sentence } = ending
  const variants = [{ version: test.control, role: 'champion' as const, weight: 1 }]
  await setVariants(trx, actor, { endpoint: test.endpoint, variants, reason: `A/B test ${test.id}: ${sentence}` })
  return finish(trx, actor, ending)
}

/** It is over, and traffic stays as it is. */
async function finish(trx: RolloutTrx, actor: Actor, { test, state, winner, sentence, nowMs }: End): Promise<AbTest> {
  const ended: AbTest = { ...test, state, winner, sentence, finishedMs: nowMs }
  await putAbTest(trx, ended)
  const { id, endpoint } = test
  await recordAudit(trx, actor, { action: `ab_test.${state}`, subject: id, detail: { endpoint, winner, sentence } })
  const payload = { id, endpoint, state, winner, sentence }
  await appendEvent(trx, { type: 'ab_test.finished', subject: endpoint, payload, atMs: actor.clock() })
  return ended
}

/** Ends it by hand: the control has all the traffic again. @throws DomainError ab_test_not_found, ab_test_over */
export async function stopAbTest(
  db: Db<RolloutDatabase>,
  actor: Actor,
  { id, reason, nowMs }: { id: string; reason: string; nowMs: number },
): Promise<AbTest> {
  return within(db, async (trx) => {
    const test = await findAbTest(trx, id)
    if (!test) throw abTestNotFound(id)
    if (test.state !== 'running') throw abTestOver(test)
    const sentence = `${actor.name} stopped it: ${reason}`
    const moved = movedBySomebody(test, await findEndpoint(trx, test.endpoint))
    const ending = { test, state: 'stopped' as const, winner: null, sentence, nowMs }
    return moved ? finish(trx, actor, ending) : end(trx, actor, ending)
  })
}
