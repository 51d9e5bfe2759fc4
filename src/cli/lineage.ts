// trueloop lineage: what a thing came from, or what came of it.
import { z } from 'zod'
import { pathOf, type Client } from '../client/http-client.ts'
import { DomainError } from '../platform/errors.ts'
import { connect, type Session } from './session.ts'
import { table } from './terminal.ts'
import { timeText } from './text.ts'

const Edges = z.array(z.object({ upstream: z.string(), downstream: z.string(), relation: z.string(), atMs: z.int() }))
type Edges = z.infer<typeof Edges>

const Predicted = z.object({ prediction: z.object({ lineageNode: z.string(), atMs: z.int() }) })

export interface LineageOptions {
  readonly downstream?: boolean
}

export async function lineage(session: Session, node: string, options: LineageOptions): Promise<void> {
  const direction = options.downstream ? 'downstream' : 'upstream'
  const client = connect(session)
  const edges = node.startsWith(predictionPrefix)
    ? await ofPrediction(client, node, direction)
    : await client.call({ path: '/lineage', query: { node, direction }, answer: Edges })
  session.terminal.show(edges, (value) => renderLineage(value, node, direction))
}

const predictionPrefix = 'prediction:'

/** A prediction is no node of the graph, which would grow with the traffic: it stands below the window that counts it. */
export async function ofPrediction(client: Client, node: string, direction: 'upstream' | 'downstream'): Promise<Edges> {
  const id = node.slice(predictionPrefix.length)
  const { prediction } = await client.call({ path: pathOf`/predictions/${id}`, answer: Predicted })
  const { lineageNode, atMs } = prediction
  if (direction === 'downstream') {
    const message = `nothing comes of one prediction; ask for what is downstream of ${lineageNode}, the window that counts it`
    throw new DomainError('invalid', 'lineage_node', message)
  }
  const edges = await client.call({ path: '/lineage', query: { node: lineageNode, direction }, answer: Edges })
  return [{ upstream: lineageNode, downstream: node, relation: 'counted_in', atMs }, ...edges]
}

/** Nearest first, indented by how far from the node it is. */
export function renderLineage(edges: Edges, node: string, direction: 'upstream' | 'downstream'): string {
  const [near, far] =
    direction === 'upstream' ? (['downstream', 'upstream'] as const) : (['upstream', 'downstream'] as const)
  if (edges.length === 0) return `Nothing is ${direction} of ${node}.`
  const depths = new Map([[node, 0]])
  const rows = edges.map((edge) => {
    const depth = (depths.get(edge[near]) ?? 0) + 1
    if (!depths.has(edge[far])) depths.set(edge[far], depth)
    return [
      `${'  '.repeat(depth - 1)}${edge[far]}`,
      edge.relation.replaceAll('_', ' '),
      edge[near],
      timeText(edge.atMs),
    ]
  })
  return table([direction.toUpperCase(), 'RELATION', 'OF', 'SINCE'], rows)
}
