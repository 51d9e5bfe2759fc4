// Losses of two versions on the same rows: a shadow beside the champion that answered. Pure.

export interface PairedLoss {
  /** Rows that both scored, and rows on which the challenger failed. */
  scored: number
  failed: number
  /** Scored rows whose outcome is known; the sums below are over them, of the challenger's loss less the champion's. */
  pairs: number
  differenceSum: number
  differenceSquareSum: number
  championLossSum: number
  challengerLossSum: number
}

/** Which two versions, behind which endpoint, on which UTC day of event time. */
export interface PairKey {
  readonly endpoint: string
  readonly champion: string
  readonly challenger: string
  readonly dayMs: number
}

export const pairKey = ({ endpoint, champion, challenger, dayMs }: PairKey): string =>
  `${endpoint}\0${champion}\0${challenger}\0${dayMs}`

export const noPairs = (): PairedLoss => ({
  scored: 0,
  failed: 0,
  pairs: 0,
  differenceSum: 0,
  differenceSquareSum: 0,
  championLossSum: 0,
  challengerLossSum: 0,
})

/** Adds one pair whose outcome became known; `sign` -1 takes it out again. */
export function addPair(sums: PairedLoss, losses: { champion: number; challenger: number }, sign: 1 | -1): void {
  const difference = losses.challenger - losses.champion
  sums.pairs += sign
  sums.differenceSum += sign * difference
  sums.differenceSquareSum += sign * difference * difference
  sums.championLossSum += sign * losses.champion
  sums.challengerLossSum += sign * losses.challenger
}

/** Adds `more` into `sums`. */
export function mergePairs(sums: PairedLoss, more: PairedLoss): PairedLoss {
  for (const name of Object.keys(sums) as (keyof PairedLoss)[]) sums[name] += more[name]
  return sums
}
