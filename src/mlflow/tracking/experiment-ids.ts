// The id of an experiment as MLflow's clients write it.
import { invalidParameter, mlflowError } from '../wire/errors.ts'

/** As Python reads an integer: white space around it, a sign, leading zeros, underscores between digits. */
const integer = /^\s*(?<sign>[+\-]?)(?<digits>\d+(?:_\d+)*)\s*$/v

/** @throws MlflowError INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST */
export function experimentIdOf(text: string): number {
  const { sign, digits } = integer.exec(text)?.groups ?? {}
  if (digits === undefined) {
    throw invalidParameter(`Invalid experiment ID '${text}'. Experiment ID must be a valid integer.`)
  }
  const id = Number(sign + digits.replaceAll('_', ''))
  // No experiment has so great an id, and rounded it would be another one's.
  if (!Number.isSafeInteger(id)) throw mlflowError('RESOURCE_DOES_NOT_EXIST', `No Experiment with id=${digits} exists`)
  return id
}
