// A step's token: whose it is, what it may, and that it ends with the step.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import { loadSecrets, mintStepToken } from './home.ts'
import { identifyWith } from './identity.ts'

test('a token of a step is good for its own run, as long as the step is at work and not beyond its time', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-identity-'))
  try {
    const secrets = loadSecrets(home)
    let nowMs = 1_000
    const atWork = new Set(['run_1'])
    const identify = identifyWith({
      secrets,
      clock: () => nowMs,
      ids: (prefix) => `${prefix}_1`,
      isAtWork: async (runId) => atWork.has(runId),
    })
    const asking = (runId: string): ReturnType<typeof identify> => {
      const authorization = `Bearer ${mintStepToken(secrets, { runId, expiresAtMs: 2_000 })}`
      return identify({ headers: { authorization } } as FastifyRequest)
    }
    const caller = await asking('run_1')
    expect(caller).toMatchObject({ scope: 'run_1', actor: { name: 'step:run_1' } })
    expect(caller.permissions.has('loop.write')).toBe(false)
    await expect(asking('run_2')).rejects.toMatchObject({ code: 'token_unknown' })
    nowMs = 2_000
    await expect(asking('run_1')).rejects.toMatchObject({ code: 'token_unknown' })
    nowMs = 1_000
    atWork.clear()
    await expect(asking('run_1')).rejects.toMatchObject({ code: 'token_unknown' })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
