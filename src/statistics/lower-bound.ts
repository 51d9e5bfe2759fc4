// A place in a sorted list, by halving.

/** How many of the rising numbers are below the value: the index of the first that is not. */
export function lowerBound(rising: Float32Array, value: number): number {
  let low = 0
  let high = rising.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rising[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
