// The class labels that a graph holds: those of a ZipMap, or of the classifier that it ends in.
import { fieldsOf, integersOf, messageOf, textOf } from './protobuf.ts'
import type { GraphNode } from './reader.ts'

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

/** Of the graph's classifiers, where they all have the same. */
export function sharedLabels(nodes: readonly GraphNode[]): string[] | undefined {
  const found = nodes.filter(({ operator }) => operator.endsWith('Classifier')).map(labelsOf)
  const [first] = found
  return found.every((labels) => labels?.join('\0') === first?.join('\0')) ? first : undefined
}
