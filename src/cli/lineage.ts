// trueloop lineage: what a thing came from, or what came of it.
import { z } from 'zod'
import { connect, type Session } from './session.ts'
import { table } from './terminal.ts'
import { timeText } from './text.ts'

const Edges = z.array(z.object({ upstream: z.string(), downstream: z.string(), relation: z.string(), atMs: z.int() }))

export interface LineageOptions {
  readonly downstream?: boolean
}

export async function lineage(session: Session, node: string, options: LineageOptions): Promise<void> {
  const direction = options.downstream ? 'downstream' : 'upstream'
  const edges = await connect(session).call({ path: '/lineage', query: { node, direction }, answer: Edges })
  session.terminal.show(edges, (value) => renderLineage(value, node, direction))
}

/** Nearest first, indented by how far from the node it is. */
export function renderLineage(
  edges: z.infer<typeof Edges>,
  node: string,
  direction: 'upstream' | 'downstream',
): string {
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
