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

/** What a tensor of a graph may hold. */
export const ElementType = z.enum([
  'float32',
  'float64',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'bool',
  'string',
])
export type ElementType = z.infer<typeof ElementType>

/** One input of the graph, of shape [rows, columns]. */
export const GraphTensor = z.strictObject({
  name: z.string().min(1),
  elementType: ElementType,
  /** The inputs of the signature that are its columns, in their order. */
  columns: z.array(z.string()).min(1).max(4096),
})
export type GraphTensor = Readonly<z.infer<typeof GraphTensor>>

/**
 * `inputs` in the order of the training table.
 * Outputs of the graph: `probabilities` [N,classes] float32 for classifiers, `prediction` [N,1] float32 for regression.
 */
export const Signature = z.strictObject({
  task: Task,
  inputs: z.array(SignatureColumn).min(1).max(4096),
  /** Class names in the order of the probability columns; for binary tasks the second is the positive one. Empty for regression. */
  classes: z.array(z.string()),
  /**
   * How the columns lie in the graph's inputs. Absent: one tensor [N,1] per column, under the column's name (string; float32 for boolean,
   * integer, long, float, double; int64 microseconds for datetime).
   */
  tensors: z.array(GraphTensor).min(1).max(4096).optional(),
})
export type Signature = Readonly<z.infer<typeof Signature>>

const plainElement: Readonly<Record<SignatureType, ElementType>> = {
  boolean: 'float32',
  integer: 'float32',
  long: 'float32',
  float: 'float32',
  double: 'float32',
  string: 'string',
  datetime: 'int64',
}

/** The tensor of a column that has one for itself where the signature names no tensors. */
export const plainTensor = ({ name, type }: Pick<SignatureColumn, 'name' | 'type'>): GraphTensor => ({
  name,
  elementType: plainElement[type],
  columns: [name],
})

/** The inputs of the graph, in the order in which they are fed. */
export const tensorsOf = ({ tensors, inputs }: Pick<Signature, 'tensors' | 'inputs'>): readonly GraphTensor[] =>
  tensors ?? inputs.map(plainTensor)
