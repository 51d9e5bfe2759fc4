// How named columns lie in the inputs of a graph: one tensor each, or as the columns of a matrix. Pure.
import { DomainError } from '../platform/errors.ts'
import type { GraphValue } from './onnx/reader.ts'
import { ElementType, plainTensor, type GraphTensor, type SignatureColumn, type SignatureType } from './signature.ts'

/** A column that the model is to take, and the types that it may have: the first that its tensor holds becomes its type. */
export interface WantedColumn {
  readonly name: string
  readonly types: readonly SignatureType[]
  readonly required: boolean
}

export interface Layout {
  readonly inputs: readonly SignatureColumn[]
  /** Undefined: each column is a tensor by itself, as a signature without tensors says. */
  readonly tensors: GraphTensor[] | undefined
}

const numberTypes: readonly SignatureType[] = ['float', 'double', 'long', 'integer', 'boolean']
const wholeTypes: readonly SignatureType[] = ['integer', 'long', 'boolean']

/** What a tensor holds, the most fitting type first. */
const typesOfElement: Readonly<Record<ElementType, readonly SignatureType[]>> = {
  float32: numberTypes,
  float64: ['double', 'float', 'long', 'integer', 'boolean'],
  int8: wholeTypes,
  uint8: wholeTypes,
  int16: wholeTypes,
  uint16: wholeTypes,
  int32: wholeTypes,
  uint32: ['long', 'integer', 'boolean'],
  int64: ['long', 'integer', 'boolean', 'datetime'],
  bool: ['boolean', 'integer'],
  string: ['string'],
}

/**
 * An input of one column takes the column of its name; what is left of the columns fills the matrices, in order.
 * @param given how the caller says that they lie
 * @throws DomainError graph_signature_mismatch, naming the first difference
 */
export function layOut(
  inputs: readonly GraphValue[],
  wanted: readonly WantedColumn[] | undefined,
  given: readonly GraphTensor[] | undefined,
): Layout {
  if (!wanted) assertColumns(inputs)
  const told = wanted ? undefined : inputs.map((input) => [input, columnsOf(input)] as const)
  const columns = wanted ?? told!.flatMap(([, own]) => own)
  const byName = new Map(columns.map((column) => [column.name, column]))
  if (byName.size !== columns.length) throw mismatch('two of its columns have the same name')
  const names =
    given?.map(({ name, columns: own }) => [name, own] as const) ??
    told?.map(([{ name }, own]) => [name, own.map((column) => column.name)] as const) ??
    matched(inputs, columns)
  const columnsByInput = new Map(names)
  const typed = new Map<string, SignatureColumn>()
  const tensors = inputs.map((input): GraphTensor => {
    const own = columnsByInput.get(input.name)
    if (!own) throw mismatch(`the graph wants an input "${input.name}" that no column fills`)
    assertShape(input, own)
    const elementType = elementOf(input)
    for (const name of own) {
      const column = byName.get(name)
      if (!column || typed.has(name)) {
        throw mismatch(
          `column "${name}" of the input "${input.name}" ${column ? 'fills another input too' : 'is not named'}`,
        )
      }
      typed.set(name, typedColumn(column, input, elementType))
    }
    return { name: input.name, elementType, columns: [...own] }
  })
  const known = new Set(inputs.map(({ name }) => name))
  const unknown = names.find(([name]) => !known.has(name))
  if (unknown) throw mismatch(`column "${unknown[1][0]}" is no input of the graph, which has ${list(inputs)}`)
  const ordered = columns.map(({ name }) => {
    const column = typed.get(name)
    if (!column) throw mismatch(`column "${name}" is no input of the graph, which has ${list(inputs)}`)
    return column
  })
  const isPlain = tensors.every(({ name, elementType, columns: own }) => {
    const column = typed.get(name)
    return own.length === 1 && own[0] === name && column && plainTensor(column).elementType === elementType
  })
  return { inputs: ordered, tensors: isPlain ? undefined : tensors }
}

/** As many as a signature has. */
const columnsMax = 4096

/** Before any of them is made. */
function assertColumns(inputs: readonly GraphValue[]): void {
  const count = inputs.reduce((sum, input) => sum + (widthOf(input) ?? 1), 0)
  if (count > columnsMax) throw mismatch(`its inputs have ${count} columns, at most ${columnsMax} are served`)
}

/** What the graph says of its columns: a matrix's have no names of their own. */
function columnsOf(input: GraphValue): WantedColumn[] {
  const types = typesOfElement[elementOf(input)]
  const width = widthOf(input)
  if (width === 1) return [{ name: input.name, types, required: true }]
  if (width === undefined) {
    throw mismatch(`input "${input.name}" does not say how many columns it has: name the columns`)
  }
  return Array.from({ length: width }, (_, index) => ({ name: `${input.name}_${index}`, types, required: true }))
}

/** Columns of a matrix; undefined: any number. */
function widthOf({ shape }: GraphValue): number | undefined {
  const width = shape?.[1]
  return typeof width === 'number' && width > 0 ? width : undefined
}

function matched(inputs: readonly GraphValue[], columns: readonly WantedColumn[]): (readonly [string, string[]])[] {
  const byName = new Map(inputs.map((input) => [input.name, input]))
  const found: (readonly [string, string[]])[] = []
  const left: WantedColumn[] = []
  for (const column of columns) {
    const input = byName.get(column.name)
    if (input && (widthOf(input) ?? 1) === 1) {
      found.push([column.name, [column.name]])
      byName.delete(column.name)
    } else left.push(column)
  }
  const matrices = [...byName.values()]
  for (const isText of [false, true]) {
    const own = matrices.filter(({ elementType }) => (elementType === 'string') === isText)
    const rest = left.filter(({ types }) => types.includes('string') === isText)
    // A column and a tensor of different kinds: the only ones left are told to be so by their types.
    const only = own.length === 1 && matrices.length === 1 ? left : rest
    if (own.length === 1) found.push([own[0]!.name, only.map(({ name }) => name)])
    else if (own.length > 1) throw ambiguous(own)
    if (own.length === 1 && only === left) return found
  }
  return found
}

const ambiguous = (inputs: readonly GraphValue[]): DomainError =>
  mismatch(`which columns fill which of the inputs ${list(inputs)} is not plain: say it in the signature's "tensors"`)

function assertShape(input: GraphValue, columns: readonly string[]): void {
  const { name, shape } = input
  if (shape && shape.length !== 2) {
    throw mismatch(`input "${name}" has the shape [${shape.join(',')}]: inputs are [N,1] or a matrix [N,columns]`)
  }
  const width = widthOf(input)
  if (columns.length > 0 && (width === undefined || width === columns.length)) return
  throw mismatch(`input "${name}" is ${shown(input)}, and ${columns.length} columns are left to fill it`)
}

function elementOf(input: GraphValue): ElementType {
  const found = ElementType.safeParse(input.elementType)
  if (found.success) return found.data
  throw mismatch(`input "${input.name}" is ${input.elementType}, which is not served: convert it with float32`)
}

function typedColumn(
  { name, types, required }: WantedColumn,
  input: GraphValue,
  element: ElementType,
): SignatureColumn {
  const type = typesOfElement[element].find((each) => types.includes(each))
  if (type) return { name, type, required }
  throw mismatch(`column "${name}" (${types[0]}) does not go into the input "${input.name}", which is ${shown(input)}`)
}

const shown = ({ elementType, shape }: GraphValue): string => `${elementType}[${shape?.join(',') ?? '?'}]`

const list = (inputs: readonly GraphValue[]): string =>
  inputs
    .slice(0, 20)
    .map((input) => `"${input.name}" ${shown(input)}`)
    .join(', ') || 'none'

const mismatch = (message: string): DomainError =>
  new DomainError('invalid', 'graph_signature_mismatch', `the graph does not fit its signature: ${message}`)
