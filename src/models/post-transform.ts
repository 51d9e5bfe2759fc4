// What ONNX's trees and linear models do to the sums of a row at the end, in double precision.

export type Transform = 'NONE' | 'SOFTMAX' | 'LOGISTIC'

/** Undefined: another one than those here. */
export const readTransform = (text = 'NONE'): Transform | undefined =>
  text === 'NONE' || text === 'SOFTMAX' || text === 'LOGISTIC' ? text : undefined

export const logistic = (value: number): number => 1 / (1 + Math.exp(-value))

/** Of rows of `width` sums, in place. */
export function transformRows(sums: Float64Array, transform: Transform, width: number): void {
  if (transform === 'LOGISTIC') for (let at = 0; at < sums.length; at++) sums[at] = logistic(sums[at]!)
  if (transform === 'SOFTMAX') for (let at = 0; at < sums.length; at += width) softmax(sums, at, at + width)
}

function softmax(values: Float64Array, from: number, to: number): void {
  let most = -Infinity
  for (let at = from; at < to; at++) most = Math.max(most, values[at]!)
  let total = 0
  for (let at = from; at < to; at++) total += values[at] = Math.exp(values[at]! - most)
  for (let at = from; at < to; at++) values[at]! /= total
}
