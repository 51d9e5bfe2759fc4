// The predicted class of each row as itself: whole numbers, true and false, or text, by what the class names of the model are. Pure.
import { labelIndex } from '../../models/inference.ts'
import type { Signature } from '../../models/signature.ts'
import type { AnswerRows } from './request-rows.ts'

/** The classes in the order of the probability columns. */
type ClassValues =
  | { readonly datatype: 'INT64'; readonly values: readonly bigint[] }
  | { readonly datatype: 'BOOL'; readonly values: readonly boolean[] }
  | { readonly datatype: 'BYTES'; readonly values: readonly string[] }

/** The classes as JSON. */
interface ClassTexts {
  readonly texts: readonly string[]
  readonly areAscii: boolean
}

export type LabelDatatype = ClassValues['datatype']

const wholeNumber = /^(?:0|-?[1-9]\d{0,18})$/v
const isInt64 = (name: string): boolean => wholeNumber.test(name) && BigInt.asIntN(64, BigInt(name)) === BigInt(name)

/** As many bytes as characters. */
export const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length

function textsOf({ datatype, values }: ClassValues): ClassTexts {
  const texts = datatype === 'BYTES' ? values.map((name) => JSON.stringify(name)) : values.map(String)
  return { texts, areAscii: texts.every(isAscii) }
}

function classValuesOf({ classes }: Signature): ClassValues {
  if (classes.every(isInt64)) return { datatype: 'INT64', values: classes.map(BigInt) }
  const areFlags = classes.every((name) => name === 'true' || name === 'false')
  if (areFlags) return { datatype: 'BOOL', values: classes.map((name) => name === 'true') }
  return { datatype: 'BYTES', values: classes }
}

/** Needed at each request. */
const bySignature = new WeakMap<Signature, ClassValues & ClassTexts>()

function classesOf(signature: Signature): ClassValues & ClassTexts {
  let found = bySignature.get(signature)
  if (!found) {
    const values = classValuesOf(signature)
    bySignature.set(signature, (found = { ...values, ...textsOf(values) }))
  }
  return found
}

/** @param signature of a classifier */
export const labelDatatype = (signature: Signature): LabelDatatype => classesOf(signature).datatype

/** Of INT64 a BigInt64Array, of BOOL and BYTES plain arrays. */
export function labelValues(
  { predictions, offset, rows }: AnswerRows,
  signature: Signature,
): BigInt64Array | readonly boolean[] | readonly string[] {
  const { datatype, values } = classesOf(signature)
  if (datatype === 'INT64') {
    const labels = new BigInt64Array(rows)
    for (let row = 0; row < rows; row++) labels[row] = values[labelIndex(predictions, offset + row)]!
    return labels
  }
  const labels: (boolean | string)[] = []
  for (let row = 0; row < rows; row++) labels.push(values[labelIndex(predictions, offset + row)]!)
  return labels as readonly string[] | readonly boolean[]
}

/** As {@link labelValues}, as a list in JSON. */
export function labelsJson(
  { predictions, offset, rows }: AnswerRows,
  signature: Signature,
): { readonly text: string; readonly isAscii: boolean } {
  const { texts, areAscii: isAscii } = classesOf(signature)
  let list = ''
  for (let row = offset; row < offset + rows; row++) {
    const label = texts[labelIndex(predictions, row)]!
    list += row === offset ? label : `,${label}`
  }
  return { text: `[${list}]`, isAscii }
}
