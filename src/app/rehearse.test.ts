// A rehearsal with real graphs in a real process: as it did, otherwise than it did, and not at all.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testActor } from '../governance/testing.ts'
import { registerVersion } from '../models/registration.ts'
import { smallModel, smallSignature } from '../models/testing.ts'
import { transact } from '../platform/database.ts'
import { loadConfig } from './config.ts'
import { openContext } from './context.ts'

const actor = testActor('tester')
const rows = [{ x: 1, carrier: 'AA', date: '2001-01-31T07:45:00Z' }]
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
/** What the small model says of the row: weight 1 of x, and half of the carrier's. */
const said = [1 - sigmoid(1.5), sigmoid(1.5)]

test('a version is asked its examples, or at least loaded and run; what differs or is missing is told', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-rehearse-'))
  try {
    await using context = await openContext(loadConfig({ TRUELOOP_HOME: home, TRUELOOP_LOG_LEVEL: 'error' }))
    const { db, blobs, rehearse } = context
    const { digest, bytes } = await blobs.put(smallModel())
    const stored = async (outputs: number[][]): Promise<string> =>
      (await blobs.put(Buffer.from(JSON.stringify({ rows, outputs })))).digest
    const right = await stored([said])
    const wrong = await stored([[0.5, 0.5]])
    await transact(db, async (trx) => {
      const version = { model: 'flights', digest, bytes, signature: smallSignature }
      await registerVersion(trx, actor, { ...version, examplesDigest: right })
      await registerVersion(trx, actor, { ...version, examplesDigest: wrong })
      await registerVersion(trx, actor, version)
      await registerVersion(trx, actor, { ...version, digest: 'f'.repeat(64) })
    })
    expect(await rehearse('flights/1')).toMatchObject({
      version: 'flights/1',
      passed: true,
      examples: 1,
      sentence: 'flights/1 answers its 1 examples as it did',
    })
    const differs = await rehearse('flights/2')
    expect(differs).toMatchObject({ passed: false, examples: 0 })
    expect(differs.sentence).toMatch(/example 0: expected 0\.5/v)
    expect(await rehearse('flights/3')).toMatchObject({ passed: true, examples: 0 })
    expect(await rehearse('flights/4')).toMatchObject({ passed: false })
    expect(await rehearse('flights/9')).toMatchObject({ passed: false })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
