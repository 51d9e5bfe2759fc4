// For tests: randomness that comes again with its seed.

/** Numbers from 0 up to 1. The multiplier and increment are those of Numerical Recipes, second edition, chapter 7.1. */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Whole numbers from 0, below what is asked for each time. */
export function createRandomWhole(seed: number): (below: number) => number {
  const random = createRandom(seed)
  return (below) => Math.floor(random() * below)
}
