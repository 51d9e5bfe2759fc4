// Tokens and cost of a whole trace, from the spans that count them.

export const tokenKeys = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_creation_input_tokens_above_1hr',
] as const
export type TokenKey = (typeof tokenKeys)[number]
export const costKeys = ['input_cost', 'output_cost', 'total_cost'] as const
export type CostKey = (typeof costKeys)[number]
export type Tokens = Partial<Record<TokenKey, number>>
export type Cost = Partial<Record<CostKey, number>>

export interface CountingSpan {
  readonly spanId: string
  readonly parentSpanId: string | null
  /** Null when it counts nothing. */
  readonly counts: Readonly<Record<string, unknown>> | null
}

/**
 * Adds up what spans count, without those below a span that counts: a parent's numbers hold its children's. Null when none counts. Keys
 * beyond the `required` ones are there when a span has them.
 */
export function addUp<Key extends string>(
  spans: readonly CountingSpan[],
  keys: { readonly required: readonly Key[]; readonly optional: readonly Key[] },
): Partial<Record<Key, number>> | null {
  if (!spans.some(({ counts }) => counts)) return null
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const covered = new Map<string, boolean>()
  const counting = spans.filter((span) => span.counts && !isCovered(span, byId, covered))
  if (counting.length === 0) return null
  const totals: Partial<Record<Key, number>> = {}
  for (const key of keys.required) totals[key] = 0
  for (const { counts } of counting) {
    for (const key of [...keys.required, ...keys.optional]) {
      const value = counts?.[key]
      if (typeof value === 'number') totals[key] = (totals[key] ?? 0) + value
    }
  }
  return totals
}

/** Whether a span above it counts. Remembers, and stops at a circle of parents. */
function isCovered(
  { parentSpanId, spanId }: CountingSpan,
  byId: ReadonlyMap<string, CountingSpan>,
  covered: Map<string, boolean>,
): boolean {
  const path: string[] = []
  let answer = false
  let above = parentSpanId === null ? undefined : byId.get(parentSpanId)
  const seen = new Set([spanId])
  while (above && !seen.has(above.spanId)) {
    const known = covered.get(above.spanId)
    if (above.counts || known === true) {
      answer = true
      break
    }
    if (known === false) break
    seen.add(above.spanId)
    path.push(above.spanId)
    above = above.parentSpanId === null ? undefined : byId.get(above.parentSpanId)
  }
  for (const id of path) covered.set(id, answer)
  return answer
}

export const addUpTokens = (spans: readonly CountingSpan[]): Tokens | null =>
  addUp(spans, { required: tokenKeys.slice(0, 3), optional: tokenKeys.slice(3) })

export const addUpCost = (spans: readonly CountingSpan[]): Cost | null =>
  addUp(spans, { required: costKeys, optional: [] })
