// Which value of a graph is its answer, and what makes it `probabilities` [N,classes] or `prediction` [N,1] of float32. Pure.
import { DomainError } from '../platform/errors.ts'
import type { Endings } from './onnx/endings.ts'
import { classesMax, isLabel, labelsOf, labelsOfGraph } from './onnx/labels.ts'
import type { GraphValue, OnnxFile } from './onnx/reader.ts'
import type { Task } from './signature.ts'

/** What happens to the value, in this order. */
export type Operation =
  | { readonly kind: 'sigmoid' | 'softmax' | 'cast' | 'column' | 'both_classes' }
  /** Takes these columns. */
  | { readonly kind: 'reorder'; readonly places: readonly number[] }

export interface AnswerPlan {
  readonly task: Task
  readonly classes: readonly string[]
  readonly source: string
  readonly operations: readonly Operation[]
  /** What is done, in words, beside renaming. */
  readonly said: readonly string[]
}

export interface AnswerWish {
  /** Undefined: as the graph says. */
  readonly task?: Task | undefined
  readonly classes?: readonly string[] | undefined
}

export const outputName = (task: Task): string => (task === 'regression' ? 'prediction' : 'probabilities')

/** Names that converters give to class probabilities, and to the values of a regression. */
const probabilityNames: readonly string[] = [
  'probabilities', 'output_probability', 'probability', 'class_probabilities', 'probability_tensor', 'probs', 'proba', 'predict_proba',
] // prettier-ignore
const valueNames: readonly string[] = ['prediction', 'variable', 'predictions', 'output', 'value', 'target']

/** A value that may be the answer, and what is known of it. */
interface Found {
  readonly name: string
  readonly elementType: GraphValue['elementType']
  /** Undefined: the graph does not say. */
  readonly rank: number | undefined
  readonly width: number | undefined
  /** Of a ZipMap, or of the graph's classifier. */
  readonly labels: readonly string[] | undefined
  readonly isZipped: boolean
}

/** @throws DomainError graph_output_unsupported, graph_signature_mismatch */
export function planAnswer(file: OnnxFile, endings: Endings, wish: AnswerWish): AnswerPlan {
  const graph = { file, endings }
  const isRegression = wish.task === undefined ? !looksLikeClasses(graph) : wish.task === 'regression'
  return isRegression ? planRegression(graph) : planClasses(graph, wish)
}

interface Graph {
  readonly file: OnnxFile
  readonly endings: Endings
}

const isFloat = ({ kind, elementType }: GraphValue): boolean =>
  kind === 'tensor' && (elementType === 'float32' || elementType === 'float64' || elementType === 'float16')

function zipMapOf(file: OnnxFile): Found | undefined {
  const names = new Set(file.outputs.filter(({ kind }) => kind !== 'tensor').map(({ name }) => name))
  const zips = file.nodes.filter(({ operator, outputs }) => operator === 'ZipMap' && names.has(outputs[0] ?? ''))
  const [zip] = zips
  if (!zip) return undefined
  if (zips.length > 1) throw unsupported(`the graph has ${zips.length} outputs of ZipMap, and a model has one answer`)
  const labels = labelsOf(zip)
  // The operator takes float32; a converter puts it behind float64 all the same, which no runtime would run.
  const elementType = file.inputs.some((input) => input.elementType === 'float64') ? 'float64' : 'float32'
  return { name: zip.inputs[0]!, elementType, rank: 2, width: labels?.length, labels, isZipped: true }
}

/** Activations over classes. */
const overClasses: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax'])

function looksLikeClasses(graph: Graph): boolean {
  const { file, endings } = graph
  if (zipMapOf(file)) return true
  if (file.outputs.some(({ name }) => probabilityNames.includes(name) || /logit/iv.test(name))) return true
  if (file.nodes.some(({ operator }) => operator.endsWith('Classifier'))) return true
  const [only, second] = valueOutputs(graph)
  return only !== undefined && !second && overClasses.has(endings.endingOf(only.name)?.operator ?? '')
}

/** What may be the value of a regression. Beside a whole number, which may be a label, it is a float: the score of an outlier, say. */
function valueOutputs({ file, endings }: Graph): GraphValue[] {
  const numbers = file.outputs.filter((output) => isFloat(output) || isWhole(output))
  const floats = numbers.filter(isFloat)
  // The place of the greatest number is a label, whatever it is called.
  const isNamed = numbers.some(({ name }) => valueNames.includes(name) && endings.endingOf(name)?.operator !== 'ArgMax')
  return floats.length === 1 && !isNamed ? floats : numbers
}

function planRegression(graph: Graph): AnswerPlan {
  const found = chosen(graph, valueOutputs(graph), valueNames)
  if (found.width !== undefined && found.width !== 1) {
    throw mismatch(
      `output "${found.name}" has ${found.width} columns, and a regression answers one number a row: if they are classes, say "task": "${found.width === 2 ? 'binary' : 'multiclass'}"`,
    )
  }
  const operations: Operation[] = []
  const said: string[] = []
  cast(found, operations, said)
  if (found.rank !== 2) {
    operations.push({ kind: 'column' })
    said.push(`output "${found.name}" became a column [N,1]`)
  }
  return { task: 'regression', classes: [], source: found.name, operations, said }
}

const isWhole = ({ kind, elementType }: GraphValue): boolean =>
  kind === 'tensor' && (elementType === 'int64' || elementType === 'int32')

function planClasses(graph: Graph, wish: AnswerWish): AnswerPlan {
  const { file } = graph
  const found = zipMapOf(file) ?? chosen(graph, file.outputs.filter(isFloat), probabilityNames)
  const hasTexts = file.outputs.some((output) => isLabel(output) && output.elementType === 'string')
  if (hasTexts && !found.labels && !wish.classes)
    throw mismatch(
      'its labels are texts that it computes in a way that is not understood: name the classes, in the order of the probabilities',
    )
  const operations: Operation[] = []
  const said: string[] = []
  if (found.isZipped) said.push(`ZipMap taken away from "${found.name}"`)
  const isSingle = found.width === 1 || found.rank === 1
  if (isLogit(graph, found)) {
    operations.push({ kind: isSingle ? 'sigmoid' : 'softmax' })
    said.push(`${isSingle ? 'Sigmoid' : 'Softmax'} of the logits "${found.name}"`)
  }
  cast(found, operations, said)
  if (isSingle) {
    operations.push({ kind: 'both_classes' })
    said.push(`the positive class's probability "${found.name}" became two columns`)
  }
  const width = isSingle ? 2 : found.width
  const labels = width !== undefined && found.labels?.length !== width ? undefined : found.labels
  if (width !== undefined && width > classesMax) {
    throw mismatch(`output "${found.name}" has ${width} columns, at most ${classesMax} classes are served`)
  }
  const classes = wish.classes ?? labels ?? Array.from({ length: width ?? 0 }, (_, index) => String(index))
  if (classes.length === 0) throw mismatch(`it does not say how many classes "${found.name}" has: name them`)
  if (width !== undefined && width !== classes.length) {
    throw mismatch(`output "${found.name}" has ${width} columns, the signature ${classes.length} classes`)
  }
  if (wish.task === 'binary' && classes.length !== 2) {
    throw mismatch(`a binary model has 2 classes, and "${found.name}" ${classes.length}`)
  }
  const places = labels && placesOf(labels, classes)
  if (places) {
    operations.push({ kind: 'reorder', places })
    said.push(`columns of "${found.name}" put into the order of the signature's classes`)
  }
  const task = wish.task ?? (classes.length === 2 ? 'binary' : 'multiclass')
  return { task, classes, source: found.name, operations, said }
}

/** The output with one of the names, or else the only one. */
function chosen({ file, endings }: Graph, outputs: readonly GraphValue[], names: readonly string[]): Found {
  const named = names.map((name) => outputs.find((output) => output.name === name)).find((output) => output)
  const output = named ?? (outputs.length === 1 ? outputs[0] : undefined)
  if (!output) throw noAnswer(file, outputs, names)
  const { name, elementType, shape } = output
  const last = shape?.[1]
  const width = shape?.length === 1 ? 1 : typeof last === 'number' && last > 0 ? last : undefined
  if (shape && shape.length !== 1 && shape.length !== 2) {
    throw unsupported(
      `output "${name}" has ${shape.length} dimensions: an answer has one row for each row that is asked`,
    )
  }
  return { name, elementType, rank: shape?.length, width, labels: labelsOfGraph(file, endings), isZipped: false }
}

function noAnswer(file: OnnxFile, outputs: readonly GraphValue[], names: readonly string[]): DomainError {
  const listed = file.outputs.slice(0, 20).map(({ name, kind, elementType }) => {
    return `"${name}" (${kind === 'tensor' ? elementType : kind})`
  })
  const which = outputs.length > 1 ? 'more than one output may be the answer' : 'no output is a tensor of numbers'
  return unsupported(
    `${which} among ${listed.join(', ')}: export the ${names === valueNames ? 'value' : 'class probabilities'} as "${names[0]}"`,
  )
}

function isLogit({ endings }: Graph, { name, isZipped }: Found): boolean {
  if (isZipped || probabilityNames.includes(name)) return false
  const operator = endings.endingOf(name)?.operator ?? ''
  // Whatever it is called.
  if (operator === 'Sigmoid' || operator === 'Softmax') return false
  // The softmax of a logarithm of probabilities is those probabilities.
  return /logit/iv.test(name) || operator === 'LogSoftmax' || endings.isUnbounded(name)
}

function cast({ name, elementType }: Found, operations: Operation[], said: string[]): void {
  if (elementType === 'float32') return
  operations.push({ kind: 'cast' })
  said.push(`output "${name}" cast from ${elementType} to float32`)
}

/** Where each class is among the graph's labels; undefined: they are in the same order, or stand for the classes by their place. */
function placesOf(labels: readonly string[], classes: readonly string[]): number[] | undefined {
  const places = classes.map((name) => labels.indexOf(name))
  if (places.every((place, index) => place === index)) return undefined
  if (!places.includes(-1) && new Set(places).size === labels.length) return places
  const areCodes = labels.every((label, index) => label === String(index))
  const areFlags =
    labels.length === 2 && labels.every((label, index) => label.toLowerCase() === classes[index]?.toLowerCase())
  const areNumbers = labels.length === 2 && Number(labels[0]) < Number(labels[1])
  if (areCodes || areFlags || areNumbers) return undefined
  throw mismatch(`its classes are ${quoted(labels)}, the signature's ${quoted(classes)}: name them as the graph does`)
}

const quoted = (names: readonly string[]): string =>
  names
    .slice(0, 20)
    .map((name) => `"${name}"`)
    .join(', ')

const unsupported = (message: string): DomainError => new DomainError('invalid', 'graph_output_unsupported', message)

const mismatch = (message: string): DomainError =>
  new DomainError('invalid', 'graph_signature_mismatch', `the graph does not fit its signature: ${message}`)
