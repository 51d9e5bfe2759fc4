// For crash tests: what must hold in the metadata of a home that has been killed again and again. Read when nobody else has it open.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../src/app/config.ts'
import type { Tables } from '../../src/app/tables.ts'
import { on, openDatabase, type Connection } from '../../src/platform/database.ts'
import { logLossOfRow } from '../../src/statistics/classification.ts'
import type { Kill } from './kill-points.ts'
import { pointsPerBatch, type Answered, type Ledger } from './load.ts'
import { loopName } from './loop-rows.ts'

/** Predictions of a killed worker may be lost for about this long before its end: it reports four times a second, once when it is behind, and a busy disk may hold it up. */
const lossWindowMs = 5_000
const lossTolerance = 1e-6
const complaintsShownMax = 20

export interface Verdict {
  /** What does not hold; empty: all does. */
  readonly complaints: string[]
  /** Answers that no kill of a worker explains and that are not in the log. */
  readonly lost: readonly Answered[]
  readonly predictions: number
  readonly versions: number
  readonly attempts: Readonly<Record<string, number>>
  readonly decisions: Readonly<Record<string, number>>
  /** Why attempts of the loop failed, in its own words. */
  readonly failures: readonly string[]
}

type Complain = (complaint: string) => void

interface Case {
  readonly db: Connection<Tables>
  readonly complain: Complain
  readonly ledger: Ledger
}

/** `workerKills`: of gateway workers, or of their primary; answers just before may be missing from the prediction log. */
export async function judge(config: Config, ledger: Ledger, workerKills: readonly Kill[]): Promise<Verdict> {
  await using database = await openDatabase<Tables>(config.database)
  const complaints: string[] = []
  const complain = (complaint: string): void => {
    if (complaints.length < complaintsShownMax) complaints.push(complaint)
  }
  for (const refusal of ledger.refused) complain(`refused: ${refusal}`)
  const { db } = database
  const it: Case = { db, complain, ledger }
  await judgeMetrics(it)
  await judgeExperiments(it)
  await judgeTriggers(it)
  const predictions = await judgeCounters(it)
  const lost = await judgeLosses(it, predictions, workerKills)
  await judgeChampion(it)
  const attempts = await judgeSteps(it, join(config.home, 'attempts'))
  const versions = await judgeVersions(it)
  judgeSpool(it, config.home)
  const decisions = await on(db).selectFrom('loop_decision').select(['kind', 'sentence']).execute()
  return {
    complaints,
    lost,
    predictions: predictions.size,
    versions,
    attempts,
    decisions: countBy(decisions, ({ kind }) => kind),
    failures: decisions.filter(({ kind }) => kind === 'attempt_failed').map(({ sentence }) => sentence),
  }
}

function countBy<T>(rows: readonly T[], keyOf: (row: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const row of rows) counts[keyOf(row)] = (counts[keyOf(row)] ?? 0) + 1
  return counts
}

/** Every acknowledged batch is there once and whole; one of unknown fate is there once and whole, or not at all. */
async function judgeMetrics({ db, complain, ledger }: Case): Promise<void> {
  const points = await on(db)
    .selectFrom('metric_point')
    .innerJoin('run_metric', 'run_metric.series', 'metric_point.series')
    .select(['metric_point.step', 'metric_point.value'])
    .where('run_metric.run_id', '=', ledger.runId)
    .execute()
  const counts = new Map<number, number>()
  for (const { step: stored, value } of points) {
    const step = Number(stored)
    counts.set(step, (counts.get(step) ?? 0) + 1)
    if (value !== step / 7) complain(`the metric of step ${step} is ${value}`)
  }
  const found = (first: number): number[] =>
    Array.from({ length: pointsPerBatch }, (_, at) => counts.get(first + at) ?? 0)
  for (const first of ledger.batches.acknowledged)
    if (found(first).some((count) => count !== 1))
      complain(`acknowledged batch ${first} is there ${found(first).join()}`)
  for (const first of ledger.batches.unknown)
    if (new Set(found(first)).size > 1 || found(first)[0]! > 1)
      complain(`batch ${first} is there ${found(first).join()}`)
  const sent = (ledger.batches.acknowledged.length + ledger.batches.unknown.length) * pointsPerBatch
  if (counts.size > sent) complain(`${counts.size} steps of metrics are there, ${sent} were sent`)
}

/** Every acknowledged one is there, and each that is there has its audit event. */
async function judgeExperiments({ db, complain, ledger }: Case): Promise<void> {
  const rows = await on(db).selectFrom('experiment').select(['id', 'name']).execute()
  const names = new Set(rows.map(({ name }) => name))
  for (const name of ledger.experiments.acknowledged) if (!names.has(name)) complain(`${name} is lost`)
  const audits = await on(db)
    .selectFrom('audit_event')
    .select('subject')
    .where('action', '=', 'experiment.create')
    .execute()
  const audited = countBy(audits, ({ subject }) => subject)
  for (const { id, name } of rows)
    if (name.startsWith('experiment ') && audited[`experiment:${id}`] !== 1)
      complain(`${name} has ${audited[`experiment:${id}`] ?? 0} audit events`)
}

/** Every retrain that was asked for is audited once, and heard once by the loop. */
async function judgeTriggers({ db, complain, ledger }: Case): Promise<void> {
  const audits = await on(db).selectFrom('audit_event').select('detail').where('action', '=', 'loop.trigger').execute()
  const audited = countBy(audits, ({ detail }) => (JSON.parse(detail) as { reason: string }).reason)
  const decisions = await on(db)
    .selectFrom('loop_decision')
    .select('sentence')
    .where('kind', '=', 'retrain_requested')
    .execute()
  const heard = countBy(decisions, ({ sentence }) => /retrain \d+/v.exec(sentence)?.[0] ?? sentence)
  for (const reason of ledger.triggers.acknowledged)
    if (audited[reason] !== 1) complain(`"${reason}" has ${audited[reason] ?? 0} audit events`)
  for (const reason of [...ledger.triggers.acknowledged, ...ledger.triggers.unknown]) {
    const [said, listened] = [audited[reason] ?? 0, heard[reason] ?? 0]
    if (said > 1 || listened !== said) complain(`"${reason}" was said ${said} times and heard ${listened} times`)
  }
}

/** Outcomes once each; and every sum is what the rows that it is made of add up to, so nothing was applied twice or not at all. */
async function judgeCounters({ db, complain, ledger }: Case): Promise<Set<string>> {
  const predictions = await on(db).selectFrom('prediction').select(['id', 'version', 'output']).execute()
  const byId = new Map(predictions.map((row) => [row.id, row]))
  const outcomes = await on(db).selectFrom('outcome').selectAll().execute()
  const known = new Map(outcomes.map((row) => [row.prediction_id, row]))
  for (const [id, label] of ledger.outcomes) {
    const row = known.get(id)
    if (!row) complain(`the outcome of ${id} is lost`)
    else if (row.value !== String(label) || row.revision !== 1)
      complain(`the outcome of ${id} is ${row.value} in revision ${row.revision}, and was said to be ${label}`)
    else if ((row.state === 'joined') !== byId.has(id))
      complain(`the outcome of ${id} is ${row.state}, its prediction is ${byId.has(id) ? '' : 'not '}logged`)
  }
  const traffic = await on(db).selectFrom('traffic').select(['version', 'requests', 'errors']).execute()
  const performance = await on(db)
    .selectFrom('performance')
    .select(['version', 'predictions', 'outcomes', 'loss_sum'])
    .execute()
  for (const [version, logged] of Object.entries(countBy(predictions, (row) => row.version))) {
    const of = <T extends { version: string }>(rows: T[], add: (row: T) => number): number =>
      rows.filter((row) => row.version === version).reduce((sum, row) => sum + add(row), 0)
    const joined = predictions.filter((row) => row.version === version && known.get(row.id)?.state === 'joined')
    const loss = joined.reduce((sum, { id, output }) => {
      const scores = JSON.parse(output) as number[]
      return sum + logLossOfRow(Number(known.get(id)!.value), scores.at(-1)!)
    }, 0)
    const expected = { requests: logged, predictions: logged, outcomes: joined.length, errors: 0 }
    const found = {
      requests: of(traffic, (row) => row.requests),
      predictions: of(performance, (row) => row.predictions),
      outcomes: of(performance, (row) => row.outcomes),
      errors: of(traffic, (row) => row.errors),
    }
    if (JSON.stringify(found) !== JSON.stringify(expected))
      complain(`${version} counts ${JSON.stringify(found)} and has logged ${JSON.stringify(expected)}`)
    const summed = of(performance, (row) => row.loss_sum)
    if (Math.abs(summed - loss) > lossTolerance * joined.length + lossTolerance)
      complain(`${version} has a summed loss of ${summed}, its rows add up to ${loss}`)
  }
  return new Set(byId.keys())
}

/** Answers that are not in the prediction log; each must have been given by a worker shortly before its end. */
async function judgeLosses(
  { db, complain, ledger }: Case,
  logged: ReadonlySet<string>,
  kills: readonly Kill[],
): Promise<Answered[]> {
  const lost = ledger.answered.filter(({ id }) => !logged.has(id))
  for (const { id, atMs } of lost) {
    // The answer is read a moment after it was given, which may be after the kill.
    const isExplained = kills.some((kill) => atMs > kill.atMs - lossWindowMs && atMs < kill.atMs + lossWindowMs)
    if (!isExplained)
      complain(`prediction ${id} is lost, and no worker was killed around ${new Date(atMs).toISOString()}`)
  }
  const total = on(db).selectFrom('monitoring_total').select('value').where('name', '=', 'predictions_lost')
  const told = (await total.executeTakeFirst())?.value ?? 0
  // A worker does not count what it answered in its very last turn, and counts what nobody received: about a request a kill.
  if (Math.abs(told - lost.length) > kills.length)
    complain(`${lost.length} predictions are lost with ${kills.length} kills, ${told} were told as lost`)
  return lost
}

/** The champion moved from one version to the next, each time with a decision of the loop, and is what the endpoint serves. */
async function judgeChampion({ db, complain }: Case): Promise<void> {
  const subject = `${loopName}@champion`
  const rows = await on(db)
    .selectFrom('audit_event')
    .select(['action', 'detail', 'at_ms', 'id'])
    .where('subject', '=', subject)
    .orderBy('id')
    .execute()
  const moves = rows.map(({ detail }) => JSON.parse(detail) as { from: number | null; to: number | null })
  moves.forEach(({ from }, at) => {
    const before = moves[at - 1]?.to ?? null
    if (from !== before) complain(`move ${at + 1} of the champion is from ${from}, which was at ${before}`)
  })
  const decisions = await on(db)
    .selectFrom('loop_decision')
    .select('evidence')
    .where('kind', 'in', ['went_live', 'promoted'])
    .orderBy('number')
    .execute()
  const decided = decisions.map(({ evidence }) => (JSON.parse(evidence) as { modelVersion?: string }).modelVersion)
  const moved = moves.map(({ to }) => `${loopName}/${to}`)
  if (JSON.stringify(decided) !== JSON.stringify(moved))
    complain(`the champion moved to ${moved.join()}, and was decided to be ${decided.join()}`)
  const alias = await on(db).selectFrom('model_alias').selectAll().where('alias', '=', 'champion').execute()
  const serving = await on(db).selectFrom('endpoint_variant').select('version').where('role', '=', 'champion').execute()
  const names = alias.map(({ model, version }) => `${model}/${version}`)
  if (names.join() !== moved.at(-1)) complain(`the alias is at ${names.join()}, moved last to ${moved.at(-1)}`)
  if (serving.map(({ version }) => version).join() !== names.join())
    complain(`the endpoint serves ${serving.map(({ version }) => version).join()}, the alias is at ${names.join()}`)
  const quarantined = await on(db).selectFrom('version_quarantine').selectAll().execute()
  for (const { version, reason } of quarantined) complain(`${version} was taken out: ${reason}`)
}

/** Each step that succeeded did so once, and none that had left a result was run again. */
async function judgeSteps({ db, complain }: Case, attemptsDirectory: string): Promise<Record<string, number>> {
  const runs = await on(db).selectFrom('pipeline_run').select(['id', 'state']).execute()
  for (const { id, state } of runs) if (state === 'running') complain(`pipeline run ${id} has not ended`)
  const jobs = await on(db)
    .selectFrom('job')
    .select(['id', 'state'])
    .where('state', 'in', ['ready', 'running'])
    .execute()
  for (const { id, state } of jobs) complain(`job ${id} is still ${state}`)
  const commands = await on(db).selectFrom('loop_command').selectAll().where('state', '!=', 'done').execute()
  for (const { id, state, error } of commands) complain(`command ${id} is ${state}: ${error}`)
  const steps = await on(db).selectFrom('step_run').select(['id', 'name', 'state', 'cached_from']).execute()
  const attempts = await on(db).selectFrom('step_attempt').select(['id', 'step_run_id', 'state']).execute()
  for (const { id, name, state, cached_from: cachedFrom } of steps) {
    const own = attempts.filter((attempt) => attempt.step_run_id === id)
    const succeeded = own.filter((attempt) => attempt.state === 'succeeded').length
    if (own.some((attempt) => attempt.state === 'running')) complain(`an attempt of step ${name} has not ended`)
    const wanted = state === 'succeeded' && cachedFrom === null && own.length > 0 ? 1 : 0
    if (succeeded !== wanted) complain(`step ${name} (${state}) succeeded ${succeeded} times`)
  }
  for (const { id, state } of attempts) {
    const path = join(attemptsDirectory, id, 'exit.json')
    if (state === 'succeeded' || !existsSync(path)) continue
    const { ok } = JSON.parse(readFileSync(path, 'utf8')) as { ok: boolean }
    if (ok) complain(`attempt ${id} left a result and is ${state}`)
  }
  return countBy(attempts, ({ state }) => state)
}

/** Each pipeline run registered one version, one training run and one gate result at most. */
async function judgeVersions({ db, complain }: Case): Promise<number> {
  const once = (what: string, rows: readonly (string | null)[]): void => {
    for (const [key, count] of Object.entries(countBy(rows, String)))
      if (count > 1) complain(`${key} has ${count} ${what}`)
  }
  const versions = await on(db).selectFrom('model_version').select(['version', 'pipeline_run_id']).execute()
  once(
    'model versions',
    versions.map((row) => row.pipeline_run_id),
  )
  const numbers = versions.map(({ version }) => version).toSorted((a, b) => a - b)
  if (numbers.some((version, at) => version !== at + 1)) complain(`versions are numbered ${numbers.join()}`)
  const runs = await on(db)
    .selectFrom('run')
    .select('pipeline_run_id')
    .where('pipeline_run_id', 'is not', null)
    .execute()
  once(
    'training runs',
    runs.map((row) => row.pipeline_run_id),
  )
  const gates = await on(db).selectFrom('gate_result').select('version').execute()
  once(
    'gate results',
    gates.map(({ version }) => `version ${version}`),
  )
  const audits = await on(db)
    .selectFrom('audit_event')
    .select('subject')
    .where('action', '=', 'model.register')
    .execute()
  once(
    'registrations',
    audits.map(({ subject }) => subject),
  )
  if (audits.length !== versions.length) complain(`${versions.length} versions have ${audits.length} audit events`)
  const rollouts = await on(db).selectFrom('rollout').select(['id', 'challenger', 'state']).execute()
  once(
    'rollouts',
    rollouts.map(({ challenger }) => `version ${challenger}`),
  )
  for (const { id, state } of rollouts) if (state === 'pending') complain(`rollout ${id} is still pending`)
  return versions.length
}

/** Nothing that a worker reported waits or was refused. */
function judgeSpool({ complain }: Case, home: string): void {
  for (const folder of ['reports', 'incidents']) {
    const path = join(home, 'gateway', folder)
    const left = existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : []
    for (const name of left) if (name.endsWith('.json')) complain(`${folder}/${name} was not taken`)
  }
}
