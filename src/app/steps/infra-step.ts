// The step kind models.infra_validate: a candidate is loaded, asked and timed in a disposable process before anything else may load it.
import { z } from 'zod'
import { Examples } from '../../models/examples.ts'
import { InfraResult } from '../../models/infra-result.ts'
import { assertInfraPassed, validateInfra } from '../../models/infra-validation.ts'
import type { StepKind } from '../../pipelines/step.ts'
import { Trained } from './train-step.ts'

const InfraInput = z.strictObject({ trained: Trained })

export const infraStep: StepKind<z.infer<typeof InfraInput>, InfraResult> = {
  kind: 'models.infra_validate',
  version: 1,
  cacheable: false, // It measures this machine.
  measuresTime: true,
  input: InfraInput,
  output: InfraResult,
  async execute({ blobs, signal }, { trained }) {
    const examples = Examples.parse(JSON.parse(Buffer.from(await blobs.get(trained.examples.digest)).toString()))
    const path = await blobs.localPath(trained.onnx.digest)
    const result = await validateInfra({ path, signature: trained.signature, examples }, { signal })
    assertInfraPassed('the candidate', result)
    return result
  },
}
