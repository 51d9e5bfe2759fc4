// How many workers of a gateway serve, as it says itself.
const askLimitMs = 3_000

/** Null: it does not answer, or does not say. */
export async function servingWorkers(url: string): Promise<number | null> {
  try {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(askLimitMs) })
    const found = /^trueloop_gateway_workers (?<count>\d+)$/mv.exec(await answer.text())
    return found ? Number(found.groups!['count']) : null
  } catch {
    return null // Down, or not to be reached from here: what it should be is told all the same.
  }
}
