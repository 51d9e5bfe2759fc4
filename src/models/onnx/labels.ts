// The class labels that a graph holds: those of a ZipMap, of the classifier that it ends in, or of a list that its label is taken from.
import { endingOf, makersOf } from './endings.ts'
import { fieldsOf, integersOf, messageOf, textOf } from './protobuf.ts'
import type { GraphNode, GraphValue, OnnxFile } from './reader.ts'

/** As text, in the order of the probability columns; undefined: the node holds none. @throws MalformedProtobuf */
export function labelsOf({ message }: GraphNode): string[] | undefined {
  const labels: string[] = []
  for (const field of fieldsOf(message)) {
    if (field.number === 5) labels.push(...attributeLabels(messageOf(field)))
  }
  return labels.length > 0 ? labels : undefined
}

/** Numbers of a forest's attributes: f, i, floats. */
const otherNumbers: ReadonlySet<number> = new Set([2, 3, 7])

function attributeLabels(attribute: Uint8Array): string[] {
  for (const field of fieldsOf(attribute, nameOnly)) {
    if (field.number === 1 && !textOf(field).startsWith('classlabels')) return []
  }
  const labels: string[] = []
  for (const field of fieldsOf(attribute, otherNumbers)) {
    if (field.number === 8) labels.push(...integersOf(field).map(String))
    if (field.number === 9) labels.push(textOf(field))
  }
  return labels
}

const nameOnly: ReadonlySet<number> = new Set([2, 3, 7, 8])

/** As text, in the order of the probability columns; undefined: it holds none that can be read. @throws MalformedProtobuf */
export const labelsOfGraph = (file: OnnxFile): string[] | undefined => listedLabels(file) ?? sharedLabels(file.nodes)

/** Of the graph's classifiers, where they all have the same. */
function sharedLabels(nodes: readonly GraphNode[]): string[] | undefined {
  const found = nodes.filter(({ operator }) => operator.endsWith('Classifier')).map(labelsOf)
  const [first] = found
  return found.every((labels) => labels?.join('\0') === first?.join('\0')) ? first : undefined
}

/** An output that says the likeliest class. */
export const isLabel = ({ kind, elementType }: GraphValue): boolean =>
  kind === 'tensor' && (elementType === 'string' || elementType === 'int64' || elementType === 'int32')

/** Operators that take values from a list, their first input, by their places. */
const taking: ReadonlySet<string> = new Set(['ArrayFeatureExtractor', 'Gather'])

/** The constant list from which the graph's only label is taken. */
function listedLabels(file: OnnxFile): string[] | undefined {
  const [label, second] = file.outputs.filter(isLabel)
  const taker = label && !second ? endingOf(makersOf(file), label.name) : undefined
  const list = taker && taking.has(taker.operator) ? file.initializers.get(taker.inputs[0] ?? '') : undefined
  return list && tensorLabels(list)
}

const tensorType = { int32: 6, int64: 7, text: 8 } as const
const wholeBytes: Readonly<Record<number, 4 | 8>> = { [tensorType.int32]: 4, [tensorType.int64]: 8 }

/** Undefined: the tensor holds neither whole numbers nor texts. */
function tensorLabels(tensor: Uint8Array): string[] | undefined {
  const fields = [...fieldsOf(tensor)]
  const type = Number(fields.find(({ number }) => number === 2)?.value ?? 0n)
  if (type === tensorType.text) return fields.filter(({ number }) => number === 6).map(textOf)
  const bytes = wholeBytes[type]
  if (bytes === undefined) return undefined
  const labels: string[] = []
  for (const field of fields) {
    if (field.number === 5 || field.number === 7) labels.push(...integersOf(field).map(String))
    if (field.number === 9) labels.push(...rawLabels(messageOf(field), bytes))
  }
  return labels
}

function rawLabels(raw: Uint8Array, bytes: 4 | 8): string[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  const count = Math.floor(raw.length / bytes)
  return Array.from({ length: count }, (_, at) =>
    String(bytes === 8 ? view.getBigInt64(at * 8, true) : view.getInt32(at * 4, true)),
  )
}
