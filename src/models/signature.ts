// The signature of a model: its input columns and outputs, in MLflow's type names. Pure.
import { z } from 'zod'

export const SignatureType = z.enum(['boolean', 'integer', 'long', 'float', 'double', 'string', 'datetime'])
export type SignatureType = z.infer<typeof SignatureType>

export const SignatureColumn = z.strictObject({
  name: z.string().min(1),
  type: SignatureType,
  /** A required column may not be missing from a request; a missing value in it (null) is allowed where the model handles it. */
  required: z.boolean().default(true),
})
export type SignatureColumn = Readonly<z.infer<typeof SignatureColumn>>

export const Task = z.enum(['binary', 'multiclass', 'regression'])
export type Task = z.infer<typeof Task>

/**
 * `inputs` in the order of the training table. The graph has one input tensor per column, shape [N,1], under the column's name
 * (string; float32 for boolean, integer, long, float, double; int64 microseconds for datetime).
 * Outputs of the graph: `probabilities` [N,classes] float and `label` int64 [N] for classifiers, `prediction` [N,1] float for regression.
 */
export const Signature = z.strictObject({
  task: Task,
  inputs: z.array(SignatureColumn).min(1).max(4096),
  /** Class names in the order of the probability columns; for binary tasks the second is the positive one. Empty for regression. */
  classes: z.array(z.string()),
})
export type Signature = Readonly<z.infer<typeof Signature>>
