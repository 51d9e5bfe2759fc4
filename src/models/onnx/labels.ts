// The class labels that a graph holds: those of a ZipMap, of the classifier that it ends in, or of a list that its label is taken from.
import type { Endings } from './endings.ts'
import { fieldsOf, integersOf, messageOf, textOf } from './protobuf.ts'
import type { GraphNode, GraphValue, OnnxFile } from './reader.ts'
import { labelsOfTensor } from './tensor.ts'

/** As text, in the order of the probability columns; undefined: the node holds none. @throws MalformedProtobuf */
export function labelsOf({ message }: GraphNode): string[] | undefined {
  const labels: string[] = []
  for (const field of fieldsOf(message)) {
    if (field.number === 5) for (const label of attributeLabels(messageOf(field))) labels.push(label)
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
    if (field.number === 8) for (const label of integersOf(field)) labels.push(String(label))
    if (field.number === 9) labels.push(textOf(field))
  }
  return labels
}

const nameOnly: ReadonlySet<number> = new Set([2, 3, 7, 8])

/** An output that says the likeliest class. */
export const isLabel = ({ kind, elementType }: GraphValue): boolean =>
  kind === 'tensor' && (elementType === 'string' || elementType === 'int64' || elementType === 'int32')

/** Operators that take values from a list, their first input, by their places. */
const taking: ReadonlySet<string> = new Set(['ArrayFeatureExtractor', 'Gather'])

/** A probability of each goes into every answer. */
export const classesMax = 10_000

/** As text, in the order of the probability columns; undefined: the graph holds none that can be read. @throws MalformedProtobuf */
export function labelsOfGraph(file: OnnxFile, endings: Endings): string[] | undefined {
  const [label, second] = file.outputs.filter(isLabel)
  const maker = label && !second ? endings.endingOf(label.name) : undefined
  if (maker?.operator.endsWith('Classifier')) return labelsOf(maker)
  const list = maker && taking.has(maker.operator) ? endings.constantOf(maker.inputs[0] ?? '') : undefined
  const listed = list && labelsOfTensor(list, classesMax)
  if (listed) return listed
  const shared = sharedLabels(file.nodes)
  // Texts that are not in sight are not the codes of a model inside of this one.
  const areCodes = shared?.every((each, place) => each === String(place))
  return label?.elementType === 'string' && areCodes ? undefined : shared
}

/** Of the graph's classifiers, where they all have the same. */
function sharedLabels(nodes: readonly GraphNode[]): string[] | undefined {
  const found = nodes.filter(({ operator }) => operator.endsWith('Classifier')).map(labelsOf)
  const [first] = found
  return found.every((labels) => labels?.join('\0') === first?.join('\0')) ? first : undefined
}
