// A planned failure: a model that is good on every row that anybody has stored, and fails and slows on rows that only live traffic brings.
import { extendGraph } from '../../training/graph-extension.ts'

/** Miles beyond which the fragile model looks into a table that ends before them. */
export const fragileDistance = 2000
const microsPerDay = 86_400_000_000
/** Numbers that a row is slowed by, on the first day and with each day after it, up to the most. A run of many rows has a limit too. */
const work = { perDay: 40_000, mostOfRow: 400_000, mostOfRun: 2_000_000 }

/**
 * Takes a graph of our trainer over the flights (`date`, `distance`, and others) and answers one that says exactly the same of every row up
 * to `safeUntilMs` (Unix time). Of later rows it fails on those that fly further than {@link fragileDistance} (an index out of range), and
 * takes its time for the others, the longer the later they are. It uses no operator that a served graph may not.
 */
export function fragileModel(onnx: Uint8Array, { safeUntilMs }: { safeUntilMs: number }): Uint8Array {
  return extendGraph(onnx, {
    output: 'probabilities',
    prefix: 'fragile:',
    extend: (graph, original) => {
      const integer = (value: number): string => graph.constant({ type: 'int64', dims: [1, 1], values: [value] })
      const scalar = (value: number): string => graph.constant({ type: 'int64', dims: [], values: [value] })
      const cast = (value: string, to: number): string =>
        graph.node('Cast', [value], { attributes: { to: { integer: to } } })
      const safeUntil = integer(safeUntilMs * 1000)
      // Never below zero: the moment that stands for "missing" is the least int64.
      const late = graph.node('Sub', [graph.node('Max', ['date', safeUntil]), safeUntil])
      const isLate = graph.node('Greater', [late, integer(0)])
      const distance = graph.constant({ type: 'float', dims: [1, 1], values: [fragileDistance] })
      const isFar = graph.node('Greater', ['distance', distance])

      // A table of one entry: the second is asked for when the row is late and far.
      const table = graph.constant({ type: 'float', dims: [1], values: [1] })
      const factor = graph.node('Gather', [table, cast(graph.node('And', [isLate, isFar]), INT64)])

      const days = graph.node('Div', [graph.node('Add', [late, integer(microsPerDay - 1)]), integer(microsPerDay)])
      const steps = graph.node('Min', [graph.node('Mul', [days, integer(work.perDay)]), integer(work.mostOfRow)])
      const keepNone = { attributes: { keepdims: { integer: 0 } } }
      const all = graph.node('Min', [graph.node('ReduceSum', [steps], keepNone), scalar(work.mostOfRun)])
      const numbers = cast(graph.node('Range', [scalar(0), all, scalar(1)]), FLOAT)
      const wave = graph.node('ReduceSum', [graph.node('Sin', [numbers])], keepNone)
      // True for no finite number, but the runtime cannot know that without the work.
      const nothing = cast(graph.node('IsNaN', [wave]), FLOAT)
      graph.node('Add', [graph.node('Mul', [original, factor]), nothing], { output: 'probabilities' })
    },
  })
}

/** Element types of onnx.proto. */
const FLOAT = 1
const INT64 = 7
