// How much one GraphQL query may ask for: counted before any of it is answered, fragments included.
import {
  GraphQLError,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from 'graphql'

const depthMax = 10
const selectionsMax = 1000

export interface QueryLimits {
  readonly rootFieldsMax: number
  readonly aliasesMax: number
}

interface Level {
  readonly selections: SelectionSetNode
  readonly depth: number
}

/** @throws GraphQLError for a query that asks for too much */
export function assertModest(document: DocumentNode, { rootFieldsMax, aliasesMax }: QueryLimits): void {
  const fragments = new Map(
    document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
  )
  const counts = { rootFields: 0, aliases: 0, selections: 0 }
  const levels: Level[] = document.definitions.flatMap((one) =>
    one.kind === Kind.OPERATION_DEFINITION ? [{ selections: one.selectionSet, depth: 1 }] : [],
  )
  for (let level = levels.pop(); level; level = levels.pop()) {
    const { depth, selections } = level
    if (depth > depthMax) throw new GraphQLError(`Query exceeds maximum depth of ${depthMax}`)
    const fields = fieldsOf(selections, fragments)
    counts.aliases = Math.max(counts.aliases, fields.filter(({ alias }) => alias).length)
    counts.selections += fields.length
    if (depth === 1) counts.rootFields += fields.length
    if (counts.selections > selectionsMax) {
      throw new GraphQLError(`Query exceeds maximum total selections of ${selectionsMax}`)
    }
    for (const { selectionSet } of fields) if (selectionSet) levels.push({ selections: selectionSet, depth: depth + 1 })
  }
  assertAtMost(counts.rootFields, rootFieldsMax, ['root fields', 'MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS'])
  assertAtMost(counts.aliases, aliasesMax, ['aliases', 'MLFLOW_SERVER_GRAPHQL_MAX_ALIASES'])
}

/** Of one level, with those of the fragments that are spread there, each fragment once. */
function fieldsOf(selections: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): FieldNode[] {
  const fields: FieldNode[] = []
  const seen = new Set<string>()
  const open: SelectionSetNode[] = [selections]
  for (let set = open.pop(); set; set = open.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) fields.push(selection)
      else if (selection.kind === Kind.INLINE_FRAGMENT) open.push(selection.selectionSet)
      else if (!seen.has(selection.name.value)) {
        seen.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment) open.push(fragment.selectionSet)
      }
    }
  }
  return fields
}

function assertAtMost(count: number, max: number, [what, setting]: readonly [string, string]): void {
  if (count <= max) return
  throw new GraphQLError(
    `GraphQL queries should have at most ${max} ${what}, got ${count} ${what}. To increase the limit, set the ${setting} environment variable.`,
  )
}
