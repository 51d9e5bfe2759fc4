// A linear model as ONNX nodes: standardised numbers times weights, plus a weight looked up for each category.
import type { Feature } from '../feature.ts'
import type { DesignPlan, Term } from '../linear/design.ts'
import { addCalendar, addCalendarIndex, addCategoryValues, addCodes } from './feature-graph.ts'
import type { Graph } from './graph.ts'

export interface LinearModel {
  readonly features: readonly Feature[]
  readonly plan: DesignPlan
  readonly outputs: number
  /** `[outputs, weights + 1]`, the intercept last; float32. */
  readonly parameters: Float64Array
}

type NumberTerm = Term & { kind: 'number' }
type OneHotTerm = Term & { kind: 'one-hot' }

/** Adds the model; the result is `[N, outputs]`. */
export function addLinear(graph: Graph, model: LinearModel): string {
  const { plan, outputs, parameters } = model
  const numbers = plan.terms.filter((term) => term.kind === 'number')
  const oneHots = plan.terms.filter((term) => term.kind === 'one-hot')
  const intercepts = Array.from(
    { length: outputs },
    (_, output) => parameters[output * (plan.weights + 1) + plan.weights]!,
  )
  const parts = [
    graph.constant({ type: 'float', dims: [1, outputs], values: intercepts }),
    ...(numbers.length > 0 ? addNumbers(graph, model, numbers) : []),
    ...oneHots.map((term) => addOneHot(graph, model, term)),
  ]
  return graph.node('Sum', parts)
}

function addNumbers(graph: Graph, model: LinearModel, terms: readonly NumberTerm[]): string[] {
  const pieces = terms.map(({ feature: index }) => {
    const feature = model.features[index]!
    return feature.kind === 'calendar' ? addCalendar(graph, feature.column, [feature.part]) : feature.column
  })
  const values =
    pieces.length === 1 ? pieces[0]! : graph.node('Concat', pieces, { attributes: { axis: { integer: 1 } } })
  const row = (numbers: number[]) => graph.constant({ type: 'float', dims: [1, terms.length], values: numbers })
  const centred = graph.node('Sub', [values, row(terms.map(({ mean }) => mean))])
  const scaled = graph.node('Mul', [centred, row(terms.map(({ scale }) => scale))])
  const missing = graph.node('IsNaN', [values])
  // A missing value becomes the mean, which is 0 here.
  const imputed = graph.node('Where', [missing, graph.constant({ type: 'float', dims: [1, 1], values: [0] }), scaled])
  const matrix = (shift: number) =>
    weightMatrix(
      graph,
      model,
      terms.map(({ offset }) => offset + shift),
    )
  const parts = [graph.node('MatMul', [imputed, matrix(0)])]
  if (terms.some(({ indicator }) => indicator)) {
    const indicators = graph.node('Cast', [missing], { attributes: { to: { integer: 1 } } })
    parts.push(graph.node('MatMul', [indicators, matrix(1)]))
  }
  return parts
}

function addOneHot(graph: Graph, model: LinearModel, { feature: index, offset, first, count }: OneHotTerm): string {
  const feature = model.features[index]!
  const { outputs, parameters } = model
  if (feature.kind === 'category' && outputs === 1) {
    return addCategoryValues(graph, feature, (code) => (code < 0 || code >= count ? 0 : parameters[offset + code]!))
  }
  const weights = Array.from({ length: count }, (_, code) => offset + code)
  const table = weightMatrix(graph, model, [...weights, undefined])
  const indices =
    feature.kind === 'category'
      ? addCodes(graph, feature, (code) => (code < 0 || code >= count ? count : code))
      : addCalendarIndex(graph, feature as Feature & { kind: 'calendar' }, { first, missing: count })
  const rows = graph.node('Gather', [table, indices], { attributes: { axis: { integer: 0 } } })
  return graph.node('Flatten', [rows], { attributes: { axis: { integer: 1 } } })
}

/** `[weights, outputs]`; a row of zeros for undefined. */
function weightMatrix(
  graph: Graph,
  { plan, outputs, parameters }: LinearModel,
  weights: readonly (number | undefined)[],
): string {
  const values = weights.flatMap((weight) =>
    Array.from({ length: outputs }, (_, output) =>
      weight === undefined ? 0 : parameters[output * (plan.weights + 1) + weight]!,
    ),
  )
  return graph.constant({ type: 'float', dims: [weights.length, outputs], values })
}
