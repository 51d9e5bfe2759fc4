// Minimises a smooth convex function by L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4), with a backtracking line search.

/** Pairs of steps and gradient changes that the curvature is guessed from. */
const MEMORY = 10
/** A step must lower the value by this share of what the slope promises. */
const SUFFICIENT_DECREASE = 1e-4
const MOST_HALVINGS = 40

export interface Point {
  readonly value: number
  readonly gradient: Float64Array
}

export interface LbfgsState extends Point {
  readonly at: Float64Array
  readonly iteration: number
}

export interface LbfgsInput {
  readonly start: Float64Array
  readonly evaluate: (at: Float64Array) => Point
  readonly maxIterations: number
  /** Ends where no entry of the gradient is larger. */
  readonly tolerance: number
}

/** Yields the state after each step; the last one is the minimum, or the best point when no step lowers the value any more. */
export function* minimise({ start, evaluate, maxIterations, tolerance }: LbfgsInput): Generator<LbfgsState> {
  const pairs: Pair[] = []
  let state: LbfgsState = { at: start, iteration: 0, ...evaluate(start) }
  while (state.iteration < maxIterations && largest(state.gradient) > tolerance) {
    const next = searchLine(state, evaluate, pairs)
    if (!next) {
      if (pairs.length === 0) return
      // A stale guess of the curvature led nowhere: start again from the gradient.
      pairs.length = 0
      continue
    }
    remember(pairs, state, next)
    state = next
    yield state
  }
}

interface Pair {
  readonly step: Float64Array
  readonly change: Float64Array
  readonly inverse: number
}

function searchLine(
  state: LbfgsState,
  evaluate: LbfgsInput['evaluate'],
  pairs: readonly Pair[],
): LbfgsState | undefined {
  const direction = descentDirection(state.gradient, pairs)
  const slope = dot(direction, state.gradient)
  if (!(slope < 0)) return undefined
  let length = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(state.gradient, state.gradient))) : 1
  for (let halving = 0; halving < MOST_HALVINGS; halving++) {
    const at = state.at.map((value, index) => value + length * direction[index]!)
    const point = evaluate(at)
    if (point.value < state.value && point.value <= state.value + SUFFICIENT_DECREASE * length * slope)
      return { at, iteration: state.iteration + 1, ...point }
    length /= 2
  }
  return undefined
}

function remember(pairs: Pair[], before: LbfgsState, after: LbfgsState): void {
  const step = after.at.map((value, index) => value - before.at[index]!)
  const change = after.gradient.map((value, index) => value - before.gradient[index]!)
  const curvature = dot(step, change)
  if (curvature <= 1e-10 * dot(change, change) ** 0.5 * dot(step, step) ** 0.5) return
  pairs.push({ step, change, inverse: 1 / curvature })
  if (pairs.length > MEMORY) pairs.shift()
}

/** The two-loop recursion. */
function descentDirection(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((value) => -value)
  const shares = pairs.toReversed().map((pair) => {
    const share = pair.inverse * dot(pair.step, direction)
    addMultiple(direction, pair.change, -share)
    return share
  })
  const latest = pairs.at(-1)
  if (latest) {
    const scale = 1 / (latest.inverse * dot(latest.change, latest.change))
    for (let index = 0; index < direction.length; index++) direction[index]! *= scale
  }
  pairs.forEach((pair, index) => {
    const share = shares[pairs.length - 1 - index]!
    addMultiple(direction, pair.step, share - pair.inverse * dot(pair.change, direction))
  })
  return direction
}

function addMultiple(to: Float64Array, vector: Float64Array, factor: number): void {
  for (let index = 0; index < to.length; index++) to[index]! += factor * vector[index]!
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!
  return sum
}

const largest = (vector: Float64Array): number => vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
