// A batch scoring on record: once by its id, in the audit log and the lineage graph.
import { expect, test } from 'vitest'
import { listAudit } from '../../governance/audit.ts'
import { upstream } from '../../governance/lineage.ts'
import { testActor } from '../../governance/testing.ts'
import { smallModel } from '../../models/testing.ts'
import { transact } from '../../platform/database.ts'
import type { ScoringManifest } from '../batch-scoring-manifest.ts'
import { recordScoring } from './scorings.ts'
import { startTestControlPlane } from '../testing/gateway.ts'

const digest = 'a'.repeat(64)
const scoring: ScoringManifest = {
  id: 'scr_1',
  endpoint: 'flights',
  version: 'flights/1',
  model: digest,
  rows: 3,
  input: { path: 'in.csv', digest },
  output: { path: 'out.csv', digest },
  keys: ['id'],
  finishedAtMs: 1,
}

test('a scoring is told twice and is on record once', async () => {
  await using control = await startTestControlPlane()
  await control.addModel({ bytes: smallModel() })
  const { endpoint: _, ...body } = scoring
  const tell = async (): Promise<unknown> => {
    const response = await fetch(`${control.url}/api/endpoints/flights/scorings`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
    return response.json()
  }
  expect(await tell()).toEqual({ recorded: true })
  expect(await tell()).toEqual({ recorded: false })
  const edges = await upstream(control.db, 'scoring:scr_1')
  expect(edges[0]).toMatchObject({ upstream: 'model_version:flights/1', relation: 'scored' })
  const events = await listAudit(control.db, { subject: 'flights', limit: 100 })
  expect(events.filter(({ action }) => action === 'endpoint.score')).toHaveLength(1)
})

test('a scoring of an endpoint or a version that is not there is refused', async () => {
  await using control = await startTestControlPlane()
  const told = (how: Partial<ScoringManifest>): Promise<boolean> =>
    transact(control.db, (trx) => recordScoring(trx, testActor(), { ...scoring, ...how }))
  await expect(told({ endpoint: 'none' })).rejects.toMatchObject({ code: 'endpoint_not_found' })
  await expect(told({})).rejects.toMatchObject({ kind: 'not_found' })
})
