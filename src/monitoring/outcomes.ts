// Receiving outcomes: stored, joined to their predictions and added to the day aggregates, in one transaction.
import type { Clock } from '../platform/clock.ts'
import type { ModelVersionTables } from '../models/model-version-store.ts'
import { transact, type Connection, type Db, type Transaction } from '../platform/database.ts'
import { applyDeltas } from './aggregates/aggregate-store.ts'
import { countOutcome, noDeltas, versionsOf, type Deltas, type FactsByVersion } from './aggregates/deltas.ts'
import { outcomeUnfit, type Outcome, type OutcomeReceipt } from './outcome.ts'
import { findOutcomes, findPredictions, putOutcomes, type StoredPrediction } from './aggregates/prediction-store.ts'
import type { OutcomeValue } from './aggregates/scoring.ts'
import type { MonitoringTables, OutcomeRow } from './tables.ts'
import type { VersionFacts, VersionLookup } from './version-facts.ts'

export interface OutcomeDeps {
  readonly db: Connection<MonitoringTables & ModelVersionTables>
  readonly versions: VersionLookup
  /** Wall time. */
  readonly clock: Clock
}

/**
 * Stores a batch (at most `outcomesMax`) in order. Idempotent: a value that is known already changes nothing, so a batch may be sent
 * again. A correction takes the old value's contribution out of all sums. Nothing is stored when it throws.
 * @throws DomainError outcome_unfit
 */
export async function recordOutcomes(deps: OutcomeDeps, outcomes: readonly Outcome[]): Promise<OutcomeReceipt> {
  if (outcomes.length === 0) return { accepted: 0, duplicates: 0, unmatched: 0, revised: 0 }
  const ids = [...new Set(outcomes.map(({ predictionId }) => predictionId))]
  const receivedMs = deps.clock()
  return transact(deps.db, async (trx) => {
    const predictions = await findPredictions(trx, ids)
    const facts = await factsOf(deps.versions, trx, predictions.values())
    const join: Join = { predictions, known: await findOutcomes(trx, ids), facts, deltas: noDeltas(), receivedMs }
    const receipt: OutcomeReceipt = { accepted: 0, duplicates: 0, unmatched: 0, revised: 0 }
    const changed = new Set<string>()
    for (const outcome of outcomes) {
      const became = receive(join, outcome)
      receipt[became]++
      if (became !== 'duplicates') changed.add(outcome.predictionId)
    }
    await putOutcomes(
      trx,
      [...changed].map((id) => join.known.get(id)!),
    )
    await applyDeltas(trx, join.deltas)
    return receipt
  })
}

interface Join {
  readonly predictions: ReadonlyMap<string, StoredPrediction>
  /** Newest state of each outcome, as the batch goes on. */
  readonly known: Map<string, OutcomeRow>
  readonly facts: FactsByVersion
  readonly deltas: Deltas
  readonly receivedMs: number
}

function receive(join: Join, { predictionId, value, observedAtMs }: Outcome): keyof OutcomeReceipt {
  const before = join.known.get(predictionId)
  const text = JSON.stringify(value)
  if (before && (before.value === text || isOlder(observedAtMs, before))) return 'duplicates'
  const prediction = join.predictions.get(predictionId)
  if (prediction) {
    if (before?.state === 'joined') {
      const old = JSON.parse(before.value) as OutcomeValue
      countOutcome(join.deltas, join.facts, { prediction, value: old, sign: -1 })
    }
    const counted = countOutcome(join.deltas, join.facts, { prediction, value, sign: 1 })
    if (!counted) throw outcomeUnfit(predictionId, value, prediction.version)
  }
  join.known.set(predictionId, {
    prediction_id: predictionId,
    value: text,
    revision: (before?.revision ?? 0) + 1,
    received_ms: join.receivedMs,
    observed_ms: observedAtMs ?? null,
    state: prediction ? 'joined' : 'unmatched',
  })
  if (before) return 'revised'
  return prediction ? 'accepted' : 'unmatched'
}

const isOlder = (observedAtMs: number | undefined, before: OutcomeRow): boolean =>
  observedAtMs !== undefined && before.observed_ms !== null && observedAtMs < before.observed_ms

/** The facts of every version that these predictions name; a version nobody registered is left out. */
export async function factsOf(
  versions: VersionLookup,
  db: Db<ModelVersionTables>,
  predictions: Iterable<StoredPrediction>,
): Promise<Map<string, VersionFacts>> {
  const facts = new Map<string, VersionFacts>()
  for (const version of versionsOf(predictions)) {
    const found = await versions(db, version)
    if (found) facts.set(version, found)
  }
  return facts
}

/** Joins outcomes that came before their prediction. One that does not fit its prediction is set aside as refused. */
export async function joinWaiting(
  trx: Transaction<MonitoringTables>,
  { waiting, predictions, facts, deltas }: Waiting,
): Promise<void> {
  const rows = waiting.map((row): OutcomeRow => {
    const value = JSON.parse(row.value) as OutcomeValue
    const counted = countOutcome(deltas, facts, { prediction: predictions.get(row.prediction_id)!, value, sign: 1 })
    return { ...row, state: counted ? 'joined' : 'refused' }
  })
  await putOutcomes(trx, rows)
}

export interface Waiting {
  readonly waiting: readonly OutcomeRow[]
  readonly predictions: ReadonlyMap<string, StoredPrediction>
  readonly facts: FactsByVersion
  readonly deltas: Deltas
}
