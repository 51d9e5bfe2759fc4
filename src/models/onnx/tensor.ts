// Constants of a graph: their sizes, and the few whose values are read here.
import { attributesOf } from './attributes.ts'
import { fieldsOf, integersOf, messageOf, textOf, type Field } from './protobuf.ts'
import { elementNumber, type GraphNode } from './reader.ts'

const textType = elementNumber('string')
const bytesOfType: Readonly<Record<number, 4 | 8>> = { [elementNumber('int32')]: 4, [elementNumber('int64')]: 8 }
/** Fields of a tensor with plain numbers: float_data, double_data, uint64_data. */
const otherNumbers: ReadonlySet<number> = new Set([4, 10, 11])
/** And int32_data, int64_data. */
const allNumbers: ReadonlySet<number> = new Set([...otherNumbers, 5, 7])

/** The tensor of a node `Constant`; undefined: it is another node, or holds its value otherwise. @throws MalformedProtobuf */
export function tensorOfConstant(node: GraphNode): Uint8Array | undefined {
  const value = node.operator === 'Constant' ? attributesOf(node).get('value') : undefined
  if (!value) return undefined
  for (const field of fieldsOf(value)) if (field.number === 5) return messageOf(field)
  return undefined
}

/** @throws MalformedProtobuf */
export function sizesOf(tensor: Uint8Array): number[] {
  const sizes: number[] = []
  for (const field of fieldsOf(tensor, allNumbers)) {
    if (field.number === 1) for (const size of integersOf(field)) sizes.push(Number(size))
  }
  return sizes
}

/** Whole numbers and texts of a tensor, as text; undefined: it holds something else, or more than `max`. @throws MalformedProtobuf */
export function labelsOfTensor(tensor: Uint8Array, max: number): string[] | undefined {
  let elementType = 0
  const labels: string[] = []
  const held: Field[] = []
  for (const field of fieldsOf(tensor, otherNumbers)) {
    if (field.number === 2) elementType = Number(field.value)
    else if (field.number !== 1 && field.number !== 8) held.push(field)
    if (held.length > max) return undefined
  }
  for (const field of held) {
    if (elementType === textType && field.number === 6) labels.push(textOf(field))
    const bytes = bytesOfType[elementType]
    if (bytes === undefined) continue
    // Each number takes a byte at least.
    if (field.bytes.length > max * 8) return undefined
    const isList = field.number === 5 || field.number === 7
    const found = isList ? integersOf(field) : field.number === 9 ? rawWholes(messageOf(field), bytes) : []
    for (const label of found) labels.push(String(label))
  }
  return labels.length === 0 || labels.length > max ? undefined : labels
}

function rawWholes(raw: Uint8Array, bytes: 4 | 8): (number | bigint)[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  return Array.from({ length: Math.floor(raw.length / bytes) }, (_, at) =>
    bytes === 8 ? view.getBigInt64(at * 8, true) : view.getInt32(at * 4, true),
  )
}
