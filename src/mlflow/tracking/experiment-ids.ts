// The id of an experiment as MLflow's clients write it.
import { invalidParameter } from '../errors.ts'

/** As Python reads an integer: white space around it, a sign, leading zeros, underscores between digits. */
const integer = /^\s*(?<sign>[+\-]?)(?<digits>\p{Nd}+(?:_\p{Nd}+)*)\s*$/v

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function experimentIdOf(text: string): number {
  const { sign, digits } = integer.exec(text)?.groups ?? {}
  const id = Number(digits?.replaceAll('_', ''))
  if (!Number.isNaN(id)) return sign === '-' ? 0 - id : id
  throw invalidParameter(`Invalid experiment ID '${text}'. Experiment ID must be a valid integer.`)
}
