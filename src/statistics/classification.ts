// Quality of class probabilities. Definitions and numbers as in scikit-learn. Labels are 0 or 1 (binary), or a class's index.

/** Probabilities are kept this far from 0 and 1 in a logarithm: float64's epsilon, as in scikit-learn. */
export const PROBABILITY_FLOOR = 2.220446049250313e-16

/** Log loss (nats) of one binary prediction. */
export function logLossOfRow(label: number, probability: number): number {
  const clipped = Math.min(1 - PROBABILITY_FLOOR, Math.max(PROBABILITY_FLOOR, probability))
  return label > 0 ? -Math.log(clipped) : -Math.log1p(-clipped)
}

/** Mean log loss in nats. */
export function logLoss(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  let sum = 0
  for (let row = 0; row < labels.length; row++) sum += logLossOfRow(labels[row]!, probabilities[row]!)
  return sum / labels.length
}

/** Mean squared distance of probability and label. */
export function brierScore(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  let sum = 0
  for (let row = 0; row < labels.length; row++) sum += (probabilities[row]! - labels[row]!) ** 2
  return sum / labels.length
}

/** Share of rows on the right side of the threshold; a probability equal to it counts as positive. */
export function accuracy(labels: ArrayLike<number>, probabilities: ArrayLike<number>, threshold = 0.5): number {
  let right = 0
  for (let row = 0; row < labels.length; row++) if (probabilities[row]! >= threshold === labels[row]! > 0) right++
  return right / labels.length
}

/** Rows in the order of their scores, upwards. */
export function orderByScore(scores: ArrayLike<number>): Uint32Array {
  const order = Uint32Array.from({ length: scores.length }, (_, row) => row)
  return order.sort((a, b) => scores[a]! - scores[b]!)
}

/** Area under the ROC curve, ties counted half; NaN when a class has no row. O(n log n). */
export function areaUnderCurve(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  const order = orderByScore(scores)
  let positives = 0
  let wins = 0
  let negativesBelow = 0
  for (let at = 0; at < order.length;) {
    const score = scores[order[at]!]!
    let tiedPositives = 0
    let tiedNegatives = 0
    for (; at < order.length && scores[order[at]!]! === score; at++) {
      if (labels[order[at]!]! > 0) tiedPositives++
      else tiedNegatives++
    }
    wins += tiedPositives * (negativesBelow + tiedNegatives / 2)
    positives += tiedPositives
    negativesBelow += tiedNegatives
  }
  return wins / (positives * negativesBelow)
}

/** The same from counts of positives and negatives by score bin; rows of one bin count as ties. */
export function areaUnderCurveOfBins(positives: ArrayLike<number>, negatives: ArrayLike<number>): number {
  let wins = 0
  let positiveRows = 0
  let negativeRows = 0
  for (let bin = 0; bin < positives.length; bin++) {
    wins += positives[bin]! * (negativeRows + negatives[bin]! / 2)
    positiveRows += positives[bin]!
    negativeRows += negatives[bin]!
  }
  return wins / (positiveRows * negativeRows)
}

/** One bin of a reliability diagram. */
export interface ReliabilityBin {
  readonly rows: number
  readonly meanPredicted: number
  readonly meanObserved: number
}

export interface Calibration {
  /** Mean predicted less mean observed: above 0, the model expects more positives than come. */
  readonly gap: number
  /** Expected calibration error: |predicted − observed| of each bin, weighted by rows. */
  readonly expectedError: number
  /** Bins that hold rows, by rising probability. */
  readonly bins: readonly ReliabilityBin[]
}

/** Calibration over `bins` equal-width bins of [0, 1]. */
export function calibration(labels: ArrayLike<number>, probabilities: ArrayLike<number>, bins = 10): Calibration {
  const rows = new Float64Array(bins)
  const predicted = new Float64Array(bins)
  const observed = new Float64Array(bins)
  for (let row = 0; row < labels.length; row++) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(probabilities[row]! * bins)))
    rows[bin]!++
    predicted[bin]! += probabilities[row]!
    observed[bin]! += labels[row]!
  }
  return calibrationOfBins({ rows, predicted, observed })
}

/** The same from sums by bin. */
export function calibrationOfBins(sums: {
  rows: ArrayLike<number>
  predicted: ArrayLike<number>
  observed: ArrayLike<number>
}): Calibration {
  let total = 0
  let gap = 0
  let error = 0
  const bins: ReliabilityBin[] = []
  for (let bin = 0; bin < sums.rows.length; bin++) {
    const rows = sums.rows[bin]!
    if (rows === 0) continue
    const difference = sums.predicted[bin]! - sums.observed[bin]!
    total += rows
    gap += difference
    error += Math.abs(difference)
    bins.push({ rows, meanPredicted: sums.predicted[bin]! / rows, meanObserved: sums.observed[bin]! / rows })
  }
  return { gap: gap / total, expectedError: error / total, bins }
}

/** Mean log loss of class probabilities, row by row in one array of rows x classes. */
export function multiclassLogLoss(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): number {
  let sum = 0
  for (let row = 0; row < labels.length; row++) {
    const probability = probabilities[row * classes + labels[row]!]!
    sum -= Math.log(Math.min(1 - PROBABILITY_FLOOR, Math.max(PROBABILITY_FLOOR, probability)))
  }
  return sum / labels.length
}

/** Share of rows whose most probable class (the first of equals) is the label. */
export function multiclassAccuracy(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): number {
  let right = 0
  for (let row = 0; row < labels.length; row++) {
    let best = 0
    for (let each = 1; each < classes; each++) {
      if (probabilities[row * classes + each]! > probabilities[row * classes + best]!) best = each
    }
    if (best === labels[row]) right++
  }
  return right / labels.length
}
