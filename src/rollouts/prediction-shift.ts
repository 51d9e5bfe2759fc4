// How far the predictions of a rollout's versions lie from their own trainings'.
import type { Db } from '../platform/database.ts'
import { findBaseline, type ModelVersionTables } from '../models/model-version-store.ts'
import { parseVersion } from '../models/model-version.ts'
import type { RolloutStatistics } from '../monitoring/rollout-statistics.ts'
import { populationStability } from '../statistics/divergence.ts'
import { challengerText, championText, type Rollout } from './rollout.ts'
import type { PredictionShift } from './verdict.ts'

/** Undefined where one of the two has no baseline, or has answered nothing yet. */
export async function predictionShiftOf(
  db: Db<ModelVersionTables>,
  rollout: Rollout,
  { canary, champion }: Pick<RolloutStatistics, 'canary' | 'champion'>,
): Promise<PredictionShift | undefined> {
  const ofCanary = await shiftOf(db, challengerText(rollout), canary.prediction)
  const ofChampion = await shiftOf(db, championText(rollout), champion.prediction)
  if (!ofCanary || !ofChampion) return undefined
  return { canary: ofCanary.shift, champion: ofChampion.shift, rows: Math.min(ofCanary.rows, ofChampion.rows) }
}

async function shiftOf(
  db: Db<ModelVersionTables>,
  version: string,
  live: readonly number[],
): Promise<{ shift: number; rows: number } | undefined> {
  const rows = live.reduce((sum, count) => sum + count, 0)
  const baseline = rows === 0 ? undefined : await findBaseline(db, parseVersion(version))
  if (baseline?.prediction.counts.length !== live.length) return undefined
  return { shift: populationStability(baseline.prediction.counts, live), rows }
}
