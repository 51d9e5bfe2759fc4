// A home taken down in the middle of its work: nobody stays, and the next start goes on where it was.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createClient } from '../../src/client/http-client.ts'
import { startCrashHome } from './home.ts'
import { viewLoop } from './load.ts'
import { createRows } from './loop-rows.ts'

/** Training then takes longer than an orderly end of the home, in which a step of half a second would be over. */
const iterations = 3_000
const within = { timeout: 180_000, interval: 50 }

test('a home that is taken down while a step runs leaves no process, and goes on at the next start', async () => {
  await using home = await startCrashHome({ supervised: true })
  const { spec } = createRows(home.directory, 'down', { iterations })
  const client = createClient({ url: home.url })
  await client.call({ method: 'POST', path: '/loops/apply', body: { spec }, answer: z.unknown() })
  for (const step of ['ingest', 'train'] as const) {
    await expect.poll(() => runningStep(client), within).toBe(step)
    await expect.poll(() => home.processes('step').length, within).toBeGreaterThan(0)
    expect(await home.down()).toEqual([])
    await home.up()
  }
  await expect.poll(async () => (await viewLoop(client))?.champion, within).toBe('crash/1')
  expect(await home.down()).toEqual([])
})

async function runningStep(client: ReturnType<typeof createClient>): Promise<string | undefined> {
  const runs = z.object({ items: z.array(z.object({ id: z.string() })) })
  const { items } = await client.call({ path: '/pipeline-runs', query: { state: 'running', limit: 1 }, answer: runs })
  if (!items[0]) return undefined
  const run = z.object({ steps: z.array(z.object({ name: z.string(), state: z.string() })) })
  const { steps } = await client.call({ path: `/pipeline-runs/${items[0].id}`, answer: run })
  return steps.find(({ state }) => state === 'running')?.name
}
