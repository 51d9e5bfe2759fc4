// Whether numbers that are computed here are those that ONNX Runtime says.

/** Of sums of float32 in another order, of a thousand trees; to the largest number that is said. */
const tolerance = 1e-4

export function isSameAnswer(expected: Float32Array, found: Float32Array): boolean {
  const most = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
  return (
    expected.length === found.length && expected.every((value, at) => Math.abs(value - found[at]!) <= tolerance * most)
  )
}
