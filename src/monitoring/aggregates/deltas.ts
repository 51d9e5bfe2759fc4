// What a batch of predictions and outcomes changes in the day aggregates: summed in memory first, so that a batch costs a few writes.
import { armKey, dayOf, type Arm } from './arm.ts'
import { addPair, noPairs, pairKey, type PairKey, type PairedLoss } from './paired-loss.ts'
import { addOutcome, noPerformance, type PerformanceSums } from './performance.ts'
import type { StoredPrediction } from './prediction-store.ts'
import { observedNumber, scoreOf, type OutcomeValue, type Score } from './scoring.ts'
import type { VersionFacts } from '../version-facts.ts'

export interface ArmSums {
  readonly arm: Arm
  readonly sums: PerformanceSums
}

export interface Deltas {
  readonly performance: Map<string, ArmSums>
  /** What corrected outcomes had added before. */
  readonly removed: Map<string, ArmSums>
  readonly pairs: Map<string, { key: PairKey; sums: PairedLoss }>
}

export const noDeltas = (): Deltas => ({ performance: new Map(), removed: new Map(), pairs: new Map() })

/** Facts of every version that may occur; a version without is not scored. */
export type FactsByVersion = ReadonlyMap<string, VersionFacts>

function sumsOf(sums: Map<string, ArmSums>, arm: Arm): PerformanceSums {
  const key = armKey(arm)
  let entry = sums.get(key)
  if (!entry) sums.set(key, (entry = { arm, sums: noPerformance() }))
  return entry.sums
}

function pairsOf(deltas: Deltas, key: PairKey): PairedLoss {
  const text = pairKey(key)
  let entry = deltas.pairs.get(text)
  if (!entry) deltas.pairs.set(text, (entry = { key, sums: noPairs() }))
  return entry.sums
}

const armOf = (prediction: StoredPrediction): Arm => ({
  endpoint: prediction.endpoint,
  version: prediction.version,
  role: prediction.role,
  weightPpm: prediction.weightPpm,
  dayMs: dayOf(prediction.eventTimeMs),
})

const shadowArm = (answered: Arm, version: string): Arm => ({ ...answered, version, role: 'shadow', weightPpm: 0 })

const pairKeyOf = ({ endpoint, version, dayMs }: Arm, challenger: string): PairKey => ({
  endpoint,
  champion: version,
  challenger,
  dayMs,
})

/** A new prediction: one more that an outcome may come for. */
export function countPrediction(deltas: Deltas, prediction: StoredPrediction): void {
  const arm = armOf(prediction)
  sumsOf(deltas.performance, arm).predictions++
  for (const { version, output } of prediction.shadows) {
    if (output) sumsOf(deltas.performance, shadowArm(arm, version)).predictions++
    if (prediction.role !== 'champion') continue
    const pairs = pairsOf(deltas, pairKeyOf(arm, version))
    if (output) pairs.scored++
    else pairs.failed++
  }
}

/**
 * An outcome of a prediction: adds it to (or with -1, takes it out of) the arms of the version that answered and of its shadows, and to
 * the pairs. False: the value does not fit the answering version's task, and nothing was counted.
 */
export function countOutcome(
  deltas: Deltas,
  facts: FactsByVersion,
  { prediction, value, sign }: { prediction: StoredPrediction; value: OutcomeValue; sign: 1 | -1 },
): boolean {
  const answered = scored(facts.get(prediction.version), prediction.output, value)
  if (!answered) return false
  const arm = armOf(prediction)
  const sums = sign === 1 ? deltas.performance : deltas.removed
  addOutcome(sumsOf(sums, arm), answered)
  for (const { version, output } of prediction.shadows) {
    const score = output && scored(facts.get(version), output, value)
    if (!score) continue
    addOutcome(sumsOf(sums, shadowArm(arm, version)), score)
    if (prediction.role !== 'champion') continue
    const pairs = pairsOf(deltas, pairKeyOf(arm, version))
    addPair(pairs, { champion: answered.loss, challenger: score.loss }, sign)
  }
  return true
}

function scored(facts: VersionFacts | undefined, output: readonly number[], value: OutcomeValue): Score | undefined {
  if (!facts) return undefined
  const observed = observedNumber(facts, value)
  if (observed === undefined) return undefined
  return scoreOf(facts, output, observed)
}

/** Every version that these predictions name. */
export function versionsOf(predictions: Iterable<StoredPrediction>): Set<string> {
  const versions = new Set<string>()
  for (const { version, shadows } of predictions) {
    versions.add(version)
    for (const shadow of shadows) versions.add(shadow.version)
  }
  return versions
}
