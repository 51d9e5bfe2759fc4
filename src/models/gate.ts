// The gate: the checks that a model version must pass before it may serve, each with a sentence that holds its numbers. Pure.
import { z } from 'zod'
import { GateCheck, type GateInput } from './gate-policy.ts'
import { calibrationCheck, championCheck, sliceCheck, thresholdChecks } from './gate/quality.ts'
import { answersCheck, heldOutCheck, latencyChecks, signatureCheck } from './gate/safety.ts'

export const GateResult = z.strictObject({
  passed: z.boolean(),
  sentence: z.string(),
  checks: z.array(GateCheck).min(1),
})
export type GateResult = Readonly<z.infer<typeof GateResult>>

/** Judges. Every check is made, so that a refusal tells all its reasons. */
export function judgeGate(input: GateInput): GateResult {
  const checks: GateCheck[] = [
    answersCheck(input),
    ...(input.policy.laterThanTraining ? [heldOutCheck(input)] : []),
    signatureCheck(input),
    ...thresholdChecks(input),
    ...calibrationCheck(input),
    championCheck(input),
    ...sliceCheck(input),
    ...latencyChecks(input),
  ]
  const failed = checks.filter((check) => !check.passed)
  const passed = failed.length === 0
  const reasons = failed.slice(0, 3).map(({ sentence }) => sentence)
  const rest = failed.length > 3 ? `; and ${failed.length - 3} more` : ''
  const sentence = passed
    ? `${input.candidate.name} passed all ${checks.length} checks: ${checks.find(({ name }) => name === 'champion')!.sentence}`
    : `${input.candidate.name} failed ${failed.length} of ${checks.length} checks: ${reasons.join('; ')}${rest}`
  return { passed, sentence, checks }
}
