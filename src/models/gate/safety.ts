// Checks that do not look at quality: were the rows answered, were they held out, can callers stay as they are, is it quick enough. Pure.
import { check, rowsShown, shown } from './check.ts'
import type { Contestant, GateCheck, GateInput } from '../gate-policy.ts'
import type { InfraResult } from '../infra-result.ts'
import type { SignatureColumn, SignatureType } from '../signature.ts'

export function answersCheck({ policy, evidence }: GateInput): GateCheck {
  const { rows, brokenRows } = evidence.candidate
  const of = { observed: rows, threshold: policy.minimumRows, n: rows + brokenRows }
  if (brokenRows > 0) {
    const sentence = `it gave no answer for ${rowsShown(brokenRows)} of ${rowsShown(rows + brokenRows)} held-out rows`
    return check('rows', false, { ...of, sentence })
  }
  const passed = rows >= policy.minimumRows
  const relation = passed ? 'at least' : 'fewer than'
  const sentence = `it answered ${rowsShown(rows)} held-out rows, ${relation} the ${rowsShown(policy.minimumRows)} asked for`
  return check('rows', passed, { ...of, sentence })
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

export function heldOutCheck({ candidate, champion, heldOut }: GateInput): GateCheck {
  if (!heldOut) {
    return check('held_out', false, {
      sentence: 'the held-out rows have no event time, so that nothing says they are later than training',
    })
  }
  for (const contestant of [candidate, ...(champion ? [champion] : [])] satisfies Contestant[]) {
    const { name, trainedOn } = contestant
    if (!trainedOn)
      return check('held_out', false, { sentence: `it is not recorded which time ${name} was trained on` })
    if (heldOut.fromMs < trainedOn.toMs) {
      const sentence = `the held-out rows begin at ${day(heldOut.fromMs)}, before the training rows of ${name} end at ${day(trainedOn.toMs)}`
      return check('held_out', false, { sentence, observed: heldOut.fromMs, threshold: trainedOn.toMs })
    }
  }
  const threshold = Math.max(candidate.trainedOn!.toMs, champion?.trainedOn?.toMs ?? -Infinity)
  const sentence = `the held-out rows (from ${day(heldOut.fromMs)} to ${day(heldOut.toMs)}) are later than all training rows, which end at ${day(threshold)}`
  return check('held_out', true, { sentence, observed: heldOut.fromMs, threshold })
}

export function signatureCheck({ policy, candidate, champion }: GateInput): GateCheck {
  if (!champion) return check('signature', true, { sentence: 'there is no champion whose callers it must fit' })
  if (policy.signature === 'any') return check('signature', true, { sentence: 'any signature is allowed' })
  const difference = outputDifference(candidate, champion) ?? inputDifference(candidate, champion, policy.signature)
  if (difference)
    return check('signature', false, { sentence: `callers of ${champion.name} would break: ${difference}` })
  return check('signature', true, { sentence: `callers of ${champion.name} can stay as they are` })
}

function outputDifference({ signature: mine }: Contestant, { signature: theirs }: Contestant): string | undefined {
  if (mine.task !== theirs.task) return `the task is ${mine.task}, not ${theirs.task}`
  const same =
    mine.classes.length === theirs.classes.length && mine.classes.every((name, at) => name === theirs.classes[at])
  return same ? undefined : `the classes are ${mine.classes.join(', ')}, not ${theirs.classes.join(', ')}`
}

function inputDifference(candidate: Contestant, champion: Contestant, mode: 'same' | 'compatible'): string | undefined {
  const mine = new Map(candidate.signature.inputs.map((input) => [input.name, input]))
  for (const input of champion.signature.inputs) {
    const found = mine.get(input.name)
    if (!found) return `the input "${input.name}" is gone`
    if (!takesAll(found, input, mode))
      return `the input "${input.name}" is ${described(found)}, not ${described(input)}`
    mine.delete(input.name)
  }
  for (const added of mine.values()) {
    if (mode === 'same') return `the input "${added.name}" is new`
    if (added.required) return `the input "${added.name}" is new and required`
  }
  return undefined
}

const described = ({ type, required }: SignatureColumn): string => `${required ? 'a required' : 'an optional'} ${type}`

/** Numbers by what they take: each takes all that those before it take. */
const widening: readonly SignatureType[] = ['boolean', 'integer', 'long', 'double']
const widthOf = (type: SignatureType): number => widening.indexOf(type === 'float' ? 'double' : type)

function takesAll(mine: SignatureColumn, theirs: SignatureColumn, mode: 'same' | 'compatible'): boolean {
  if (mode === 'same') return mine.type === theirs.type && mine.required === theirs.required
  if (mine.required && !theirs.required) return false
  if (mine.type === theirs.type) return true
  // true and false are no numbers to an integer column.
  return theirs.type !== 'boolean' && widthOf(theirs.type) > 0 && widthOf(mine.type) >= widthOf(theirs.type)
}

export function latencyChecks({ policy, candidate }: GateInput): GateCheck[] {
  const { latency } = policy
  if (!latency) return []
  const { infra } = candidate
  if (!infra?.passed) {
    const reason = infra ? `its infra validation failed: ${infra.reason}` : 'it was not timed in an infra validation'
    return [check('latency', false, { sentence: reason })]
  }
  const limits: [string, string, number | undefined, number][] = [
    ['latency:load', 'loading it takes', latency.loadMs, infra.loadMs],
    ['latency:one_row', 'one row takes (p99)', latency.oneRowP99Ms, infra.oneRow.p99Ms],
    ['latency:hundred_rows', '100 rows take (p99)', latency.hundredRowsP99Ms, infra.hundredRows.p99Ms],
  ]
  return limits.flatMap(([name, text, threshold, observed]) => {
    if (threshold === undefined) return []
    const sentence = `${text} ${shown(observed)} ms, ${observed <= threshold ? 'within' : 'above'} the ${shown(threshold)} ms allowed`
    return [check(name, observed <= threshold, { sentence, observed, threshold, n: runsOf(infra, name) })]
  })
}

function runsOf(infra: InfraResult & { passed: true }, name: string): number {
  if (name === 'latency:one_row') return infra.oneRow.runs
  return name === 'latency:hundred_rows' ? infra.hundredRows.runs : 1
}
