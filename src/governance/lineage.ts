// The lineage graph: what came from what, from dataset version to prediction window, and walks along it.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'

export const lineageKinds = [
  'dataset_version',
  'dataset_split',
  'pipeline_run',
  'run',
  'logged_model',
  'model_version',
  'gate',
  'deployment',
  'rollout',
  'ab_test',
  'prediction_window',
  'scoring',
] as const
export type LineageKind = (typeof lineageKinds)[number]

/** A node is `kind:id`, such as `dataset_version:flights/3` or `model_version:flights/2`. */
export type LineageNode = `${LineageKind}:${string}`

export interface LineageEdge {
  readonly upstream: LineageNode
  readonly downstream: LineageNode
  /** How: `trained_on`, `produced`, `split_into`, `evaluated_on`, `judged_by`, `deployed_as`, `answered`, `scored`. */
  readonly relation: string
  readonly atMs: number
}

export interface LineageTables {
  lineage_edge: { upstream: string; downstream: string; relation: string; at_ms: number }
}

const nodesMax = 10_000

export function parseLineageNode(text: string): LineageNode {
  const kind = text.slice(0, text.indexOf(':'))
  if ((lineageKinds as readonly string[]).includes(kind) && text.length > kind.length + 1) return text as LineageNode
  throw new DomainError(
    'invalid',
    'lineage_node',
    `"${text}" is no lineage node: write <kind>:<id> with a kind of ${lineageKinds.join(', ')}`,
  )
}

/** Idempotent. Wants the transaction that made the downstream thing. */
export async function recordLineage(trx: Transaction<LineageTables>, edges: readonly LineageEdge[]): Promise<void> {
  if (edges.length === 0) return
  const rows = edges.map(({ atMs, ...edge }) => ({ ...edge, at_ms: atMs }))
  await on(trx)
    .insertInto('lineage_edge')
    .values(rows)
    .onConflict((c) => c.columns(['upstream', 'downstream', 'relation']).doNothing())
    .execute()
}

/** Parameters of one statement. */
const nodesPerStatement = 500

/** Nodes whose thing has another name now. Wants the transaction that gave it. */
export async function renameLineage(
  trx: Transaction<LineageTables>,
  renames: readonly { readonly from: LineageNode; readonly to: LineageNode }[],
): Promise<void> {
  const names = new Map<string, string>(renames.map(({ from, to }) => [from, to]))
  for (const rows of await takeEdges(trx, [...names.keys()])) {
    await on(trx)
      .insertInto('lineage_edge')
      .values(
        rows.map(({ upstream: from, downstream: to, ...row }) => ({
          ...row,
          upstream: names.get(from) ?? from,
          downstream: names.get(to) ?? to,
        })),
      )
      // What was told again under the name meanwhile is one edge.
      .onConflict((c) => c.columns(['upstream', 'downstream', 'relation']).doNothing())
      .execute()
  }
}

/** Forgets nodes, with all edges that they have. Wants the transaction in which their things go. */
export async function removeLineage(trx: Transaction<LineageTables>, nodes: readonly LineageNode[]): Promise<void> {
  await takeEdges(trx, nodes)
}

/** Deletes the edges of the nodes and answers them, in portions. */
async function takeEdges(
  trx: Transaction<LineageTables>,
  nodes: readonly string[],
): Promise<LineageTables['lineage_edge'][][]> {
  const taken: LineageTables['lineage_edge'][][] = []
  for (let at = 0; at < nodes.length; at += nodesPerStatement) {
    const part = nodes.slice(at, at + nodesPerStatement)
    for (const side of ['upstream', 'downstream'] as const) {
      const rows = await on(trx).deleteFrom('lineage_edge').where(side, 'in', part).returningAll().execute()
      for (let from = 0; from < rows.length; from += nodesPerStatement)
        taken.push(rows.slice(from, from + nodesPerStatement))
    }
  }
  return taken
}

/** Everything that `node` came from, nearest first, as edges. */
export const upstream = (db: Db<LineageTables>, node: LineageNode): Promise<LineageEdge[]> =>
  walk(db, { node, from: 'downstream', to: 'upstream' })

/** Everything that came of `node`, nearest first, as edges. */
export const downstream = (db: Db<LineageTables>, node: LineageNode): Promise<LineageEdge[]> =>
  walk(db, { node, from: 'upstream', to: 'downstream' })

type Side = 'upstream' | 'downstream'

async function walk(
  db: Db<LineageTables>,
  { node, from, to }: { node: LineageNode; from: Side; to: Side },
): Promise<LineageEdge[]> {
  const seen = new Set<string>([node])
  const edges: LineageEdge[] = []
  let frontier: string[] = [node]
  while (frontier.length > 0 && seen.size < nodesMax) {
    const rows = await on(db)
      .selectFrom('lineage_edge')
      .selectAll()
      .where(from, 'in', frontier)
      .orderBy('at_ms')
      .execute()
    frontier = []
    for (const row of rows) {
      edges.push({
        upstream: row.upstream as LineageNode,
        downstream: row.downstream as LineageNode,
        relation: row.relation,
        atMs: row.at_ms,
      })
      if (seen.has(row[to])) continue
      seen.add(row[to])
      frontier.push(row[to])
    }
  }
  return edges
}
