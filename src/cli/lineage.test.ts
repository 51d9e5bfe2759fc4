// How lineage is shown, and how it begins at one prediction.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createClient } from '../client/http-client.ts'
import { ofPrediction, renderLineage } from './lineage.ts'

const window = 'prediction_window:loans/loans/2/2026-11-21'
const answered = { upstream: 'model_version:loans/2', downstream: window, relation: 'answered', atMs: 1 }
const trained = {
  upstream: 'dataset_version:loans/1',
  downstream: 'model_version:loans/2',
  relation: 'trained_on',
  atMs: 0,
}

/** Answers as the control plane does for one prediction. */
async function listen() {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://x')
    const isWindow = searchParams.get('node') === window && searchParams.get('direction') === 'upstream'
    const found =
      pathname === '/api/predictions/prd_1'
        ? { prediction: { lineageNode: window, atMs: 2 } }
        : pathname === '/api/lineage' && isWindow
          ? [answered, trained]
          : undefined
    response.writeHead(found ? 200 : 500, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => new Promise<void>((done) => void server.close(() => done()))
  return { client: createClient({ url: `http://127.0.0.1:${port}` }), [Symbol.asyncDispose]: close }
}

test('a prediction leads to its window, and from there to version and rows, each below what it came from', async () => {
  await using api = await listen()
  const node = 'prediction:prd_1'
  const edges = await ofPrediction(api.client, node, 'upstream')
  expect(edges).toEqual([{ upstream: window, downstream: node, relation: 'counted_in', atMs: 2 }, answered, trained])
  const lines = renderLineage(edges, node, 'upstream').split('\n')
  expect(lines[2]).toMatch(/^ {2}model_version:loans\/2 +answered +prediction_window/v)
  expect(lines[3]).toMatch(/^ {4}dataset_version:loans\/1 +trained on +model_version/v)
  await expect(ofPrediction(api.client, node, 'downstream')).rejects.toMatchObject({ code: 'lineage_node' })
})

test('a node with nothing behind it says so', () => {
  expect(renderLineage([], 'run:run_1', 'downstream')).toBe('Nothing is downstream of run:run_1.')
})
