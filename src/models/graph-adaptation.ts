// Somebody's graph becomes one that serves: its answer named and typed as ours, its inputs open to any number of rows, its columns placed.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { planAnswer, outputName, type AnswerPlan, type Operation } from './graph-answer.ts'
import { checkGraph, corrupt, inspectGraph } from './graph-check.ts'
import { layOut, type WantedColumn } from './graph-layout.ts'
import { createEndings } from './onnx/endings.ts'
import type { Message } from './onnx/message.ts'
import { MalformedProtobuf } from './onnx/protobuf.ts'
import type { GraphValue, OnnxFile } from './onnx/reader.ts'
import { rewriteGraph, type GraphChange, type NewNode } from './onnx/rewrite.ts'
import { Signature, type GraphTensor, type Task } from './signature.ts'

/** What is known of the model; what is left out is as the graph says. */
export interface GraphWish {
  readonly task?: Task | undefined
  readonly inputs?: readonly WantedColumn[] | undefined
  readonly classes?: readonly string[] | undefined
  readonly tensors?: readonly GraphTensor[] | undefined
}

export interface AdaptedGraph {
  /** The given ones where nothing was to be changed. */
  readonly bytes: Uint8Array
  readonly signature: Signature
  /** What was changed, in words. */
  readonly rewrites: readonly string[]
}

const element = { float32: 1, int64: 7 } as const

const wholeTensor = (name: string, values: readonly number[]): Message => ({
  1: values.length,
  2: element.int64,
  8: name,
  9: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
})

/** ONNX Runtime 1.30 reads no later format of the file; what came with later ones are types that no table model has. */
const irVersionMax = 13
/** Names of our own values in a graph begin so. */
const prefix = 'trueloop_answer:'
const inputPrefix = 'trueloop_input:'

/**
 * Checks a graph and rewrites what its maker left otherwise than it is served: ZipMap, other names and types of the answer, one number for
 * two classes, logits, a fixed number of rows. The graph is read, never run.
 * @throws DomainError as `checkGraph`; graph_output_unsupported, graph_signature_mismatch
 */
export function adaptGraph(bytes: Uint8Array, wish: GraphWish): AdaptedGraph {
  try {
    return adapt(bytes, wish)
  } catch (error) {
    // In what the check need not read: the labels of a class, say.
    if (error instanceof MalformedProtobuf) throw corrupt(error)
    throw error
  }
}

function adapt(bytes: Uint8Array, wish: GraphWish): AdaptedGraph {
  const file = inspectGraph(bytes)
  const plan = planAnswer(file, createEndings(file), wish)
  const opened = openedInputs(file)
  const inputs = file.inputs
    .filter(({ name }) => !file.initializers.has(name))
    .map((input) => opened.get(input.name) ?? input)
  const layout = layOut(inputs, wish.inputs, wish.tensors)
  const { task, classes } = plan
  const signature = signatureOf({
    task,
    inputs: [...layout.inputs],
    classes: [...classes],
    ...(layout.tensors ? { tensors: layout.tensors } : {}),
  })
  const rewrites = rewritesOf(file, plan, opened)
  if (rewrites.length === 0) {
    checkGraph(bytes)
    return { bytes, signature, rewrites }
  }
  const changed = rewriteGraph(bytes, file, changeOf(file, plan, opened))
  checkGraph(changed)
  return { bytes: changed, signature, rewrites }
}

/** @throws DomainError graph_signature_mismatch: the graph has no inputs, too many, or one without a name */
function signatureOf(found: Signature): Signature {
  const { data, error } = Signature.safeParse(found)
  if (data) return data
  const message = `the graph does not fit its signature: ${z.prettifyError(error).slice(0, 500)}`
  throw new DomainError('invalid', 'graph_signature_mismatch', message)
}

/** A list of values, one for each row, where a column [N,1] is asked for. */
const isList = ({ shape: [size, second] = [] }: GraphValue): boolean =>
  second === undefined && (typeof size === 'string' || (size !== undefined && size <= 1))

/** ONNX Runtime takes a size of 0 at its word. */
const isUnknown = (size: number | string | undefined): boolean => typeof size === 'number' && size < 1

/** Inputs that are declared otherwise from now on: for any number of rows, and as columns. */
function openedInputs({ inputs, initializers }: OnnxFile): Map<string, GraphValue> {
  const opened = new Map<string, GraphValue>()
  for (const input of inputs) {
    const { name, shape } = input
    if (initializers.has(name)) continue
    if (isList(input)) opened.set(name, { ...input, shape: ['N', 1] })
    else if (shape?.length === 2 && (typeof shape[0] === 'number' || isUnknown(shape[1])))
      opened.set(name, { ...input, shape: ['N', isUnknown(shape[1]) ? '' : shape[1]!] })
  }
  return opened
}

function rewritesOf(file: OnnxFile, plan: AnswerPlan, opened: ReadonlyMap<string, GraphValue>): string[] {
  const name = outputName(plan.task)
  const said = [...plan.said]
  if (plan.source !== name) said.push(`output "${plan.source}" named "${name}"`)
  const others = file.outputs.filter((output) => output.name !== name && output.name !== plan.source)
  const [rows, width] = file.outputs.find((output) => output.name === name)?.shape ?? []
  if (typeof rows === 'number') said.push(`output "${name}" was declared for ${rows} rows`)
  else if (isUnknown(width)) said.push(`output "${name}" was declared with ${width} columns`)
  for (const input of file.inputs) {
    if (!opened.has(input.name)) continue
    said.push(`input "${input.name}" takes ${isList(input) ? 'a column [N,1]' : 'any number of rows'}`)
  }
  if (file.irVersion > irVersionMax)
    said.push(`version ${file.irVersion} of the file format lowered to ${irVersionMax}`)
  // Other outputs do no harm where they are tensors of as many rows as are asked: only the answer is fetched.
  const isHarmful = others.some(({ kind, shape }) => kind !== 'tensor' || typeof shape?.[0] === 'number')
  if (others.length > 0 && (isHarmful || said.length > 0)) {
    said.push(`outputs left out: ${others.map((output) => `"${output.name}"`).join(', ')}`)
  }
  return said
}

function changeOf(file: OnnxFile, plan: AnswerPlan, opened: ReadonlyMap<string, GraphValue>): GraphChange {
  const name = outputName(plan.task)
  if (file.inputs.some((input) => input.name === name)) {
    throw new DomainError(
      'invalid',
      'graph_signature_mismatch',
      `the graph does not fit its signature: an input is named "${name}", as its answer will be: rename the input`,
    )
  }
  const renamed = new Map<string, string>()
  const isInput = file.inputs.some((input) => input.name === plan.source)
  const isPlain = plan.operations.length === 0 && !isInput
  // Whatever has the name of the answer and is not the answer makes room for it.
  if (!isPlain || plan.source !== name) renamed.set(name, `${prefix}was:${name}`)
  if (isPlain && plan.source !== name) renamed.set(plan.source, name)
  const source = renamed.get(plan.source) ?? plan.source
  const { nodes, constants } = isPlain ? { nodes: [], constants: [] } : answerNodes(source, name, plan.operations)
  const width = plan.task === 'regression' ? 1 : plan.classes.length
  const output: GraphValue = { name, kind: 'tensor', elementType: 'float32', shape: ['N', width] }
  const irVersion = Math.min(file.irVersion, irVersionMax)
  const lists = file.inputs.filter((input) => opened.has(input.name) && isList(input)).map((input) => input.name)
  const firstNodes = lists.map((list): NewNode => {
    const inner = `${inputPrefix}${list}`
    renamed.set(list, inner)
    return { operator: 'Reshape', inputs: [list, anyLength.name], output: inner, attributes: [] }
  })
  const own = lists.length > 0 ? [...constants, anyLength.message] : constants
  return { renamed, inputs: opened, firstNodes, nodes, constants: own, output, irVersion }
}

/** The shape of a list of as many values as there are. */
const anyLength = { name: 'trueloop_length', message: wholeTensor('trueloop_length', [-1]) }

const attributeType = { integer: 2 } as const
const integer = (name: string, value: number): Message => ({ 1: name, 3: value, 20: attributeType.integer })

/** The operations as nodes, from `source` to `target`. */
function answerNodes(
  source: string,
  target: string,
  operations: readonly Operation[],
): { nodes: NewNode[]; constants: Message[] } {
  const nodes: NewNode[] = []
  const constants: Message[] = []
  let value = source
  const add = (operator: string, inputs: readonly string[], attributes: readonly Message[] = []): string => {
    const output = `${prefix}${nodes.length}`
    nodes.push({ operator, inputs, output, attributes })
    return output
  }
  const whole = (values: readonly number[]): string => {
    const name = `${prefix}constant_${constants.length}`
    constants.push(wholeTensor(name, values))
    return name
  }
  for (const operation of operations) {
    switch (operation.kind) {
      case 'sigmoid':
        value = add('Sigmoid', [value])
        break
      case 'softmax':
        value = add('Softmax', [value], [integer('axis', 1)])
        break
      case 'cast':
        value = add('Cast', [value], [integer('to', element.float32)])
        break
      case 'column':
        value = add('Reshape', [value, whole([-1, 1])])
        break
      case 'both_classes': {
        const positive = add('Reshape', [value, whole([-1, 1])])
        const one = `${prefix}constant_${constants.length}`
        constants.push({ 1: 1, 2: element.float32, 8: one, 9: new Uint8Array(Float32Array.of(1).buffer) })
        value = add('Concat', [add('Sub', [one, positive]), positive], [integer('axis', 1)])
        break
      }
      case 'reorder':
        value = add('Gather', [value, whole(operation.places)], [integer('axis', 1)])
    }
  }
  if (nodes.length === 0) value = add('Identity', [value])
  nodes[nodes.length - 1] = { ...nodes.at(-1)!, output: target }
  return { nodes, constants }
}
