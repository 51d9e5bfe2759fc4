// Every method of the release that is spoken is served, or listed with the reason why not; docs/reference/mlflow.md says the same.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { absentMethods } from '../mlflow/absent.ts'
import { contractRoutes, release } from '../mlflow/rpc.ts'
import { loadConfig } from './config.ts'
import { openContext } from './context.ts'
import { createServer } from './server.ts'

const documented = readFileSync(join(import.meta.dirname, '../../docs/reference/mlflow.md'), 'utf8')

test('every route of the contract is there, and what is absent says why', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-mlflow-contract-'))
  try {
    const config = loadConfig({ TRUELOOP_HOME: home, TRUELOOP_LOG_LEVEL: 'error' })
    await using context = await openContext(config)
    const server = await createServer(config, context)
    await server.ready()
    expect(contractRoutes.length).toBeGreaterThan(300)
    const missing = contractRoutes.filter(({ method, url }) => !server.hasRoute({ method: method as 'GET', url }))
    expect(missing).toEqual([])
    const url = '/api/3.0/mlflow/prompt-optimization/jobs/1'
    const answer = await server.inject({ method: 'DELETE', url })
    expect([answer.statusCode, answer.json().message]).toEqual([501, absentMethods.deletePromptOptimizationJob?.reason])
    await server.close()
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})

test('the reference names the release and the methods that are absent, and no other', () => {
  expect(documented).toContain(`MLflow ${release}`)
  const rows = [...documented.matchAll(/^\| `(?<names>[^\|]+)` \| .{20}/gmv)]
  const names = rows.flatMap(({ groups }) => (groups?.['names'] ?? '').split('`, `'))
  expect(names.toSorted()).toEqual(Object.keys(absentMethods).toSorted())
})
