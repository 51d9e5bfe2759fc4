// Stock gRPC callers while workers are replaced and while the gateway ends: no call that could be answered fails.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testActor } from '../../src/governance/testing.ts'
import { smallModel } from '../../src/models/testing.ts'
import { sleep } from '../../src/platform/clock.ts'
import { transact } from '../../src/platform/database.ts'
import { restartFleet } from '../../src/serving/control-plane/fleet-changes.ts'
import {
  predictionsLeft,
  startTestControlPlane,
  startTestGateway,
  type TestGateway,
} from '../../src/serving/testing/gateway.ts'
import { grpcPackages } from './grpc-packages.ts'
import { ensureVenv } from './venv.ts'

interface Load {
  readonly counts: Readonly<Record<'kept' | 'short' | 'streamed' | 'streams' | 'lost', number>>
  /** Kind of caller, status and text. */
  readonly failures: readonly (readonly [string, string, string])[]
  readonly versions: Readonly<Record<string, number>>
}

const champion = (version: string) => ({ version, role: 'champion' as const, weight: 1 })

const addressOf = ({ home }: TestGateway): string =>
  (JSON.parse(readFileSync(join(home, 'run', 'gateway.json'), 'utf8')) as { grpc: string }).grpc

interface Callers {
  readonly kept: number
  readonly short: number
  readonly streams: number
  readonly endsAtFailure?: boolean
}

async function startLoad(
  gateway: TestGateway,
  { kept, short, streams, endsAtFailure = false }: Callers,
): Promise<{ stop(): Promise<Load> }> {
  const { python } = await ensureVenv(grpcPackages, 'triton-grpc')
  const script = join(import.meta.dirname, 'grpc_load.py')
  const numbers = [kept, short, streams, Number(endsAtFailure)].map(String)
  const child = spawn(python, [script, addressOf(gateway), ...numbers], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const ended = new Promise((resolve) => child.once('close', resolve))
  await gateway.until(() => text.includes('started'))
  return {
    async stop() {
      child.stdin.end()
      await ended
      return JSON.parse(text.slice(text.indexOf('{'))) as Load
    },
  }
}

/** Each takes both workers' places. */
const swaps = 50

test('a hundred workers are replaced under kept channels, short ones and streams, and no call fails', async () => {
  await using control = await startTestControlPlane()
  const versions: string[] = []
  for (let at = 0; at <= swaps; at++) versions.push(await control.addModel({ bytes: smallModel({ weight: 1 + at }) }))
  await control.setVariants([champion(versions[0]!)])
  await using gateway = await startTestGateway(control.url)
  const pids = new Set(gateway.workers())
  const load = await startLoad(gateway, { kept: 6, short: 2, streams: 2 })
  for (const version of versions.slice(1)) {
    const before = new Set(gateway.workers())
    await control.setVariants([champion(version)])
    await transact(control.db, (trx) => restartFleet(trx, testActor(), { reason: 'test' }))
    // Those that leave may still be there: it is enough that two new ones serve.
    await gateway.until(async () => gateway.workers().filter((pid) => !before.has(pid)).length >= 2, 120_000)
    for (const pid of gateway.workers()) pids.add(pid)
  }
  await sleep(1_000)
  const { counts, failures, versions: answered } = await load.stop()
  expect(pids.size).toBeGreaterThanOrEqual(2 * swaps)
  expect(failures).toEqual([])
  expect(counts.lost).toBe(0)
  expect(counts.kept).toBeGreaterThan(1_000)
  expect(counts.short).toBeGreaterThan(200)
  expect(counts.streams).toBeGreaterThan(20)
  expect(Object.keys(answered)).toContain(versions.at(-1))
})

test('a gateway that is told to end answers every call that it has read', async () => {
  await using control = await startTestControlPlane()
  await control.setVariants([champion(await control.addModel({ bytes: smallModel() }))])
  await using gateway = await startTestGateway(control.url)
  const load = await startLoad(gateway, { kept: 6, short: 2, streams: 0, endsAtFailure: true })
  await sleep(1_500)
  gateway.primary.kill('SIGTERM')
  await new Promise((resolve) => gateway.primary.once('exit', resolve))
  await sleep(500)
  const { counts, failures } = await load.stop()
  expect(gateway.primary.exitCode).toBe(0)
  const answered = counts.kept + counts.short
  // A caller each, at the closed door; and what was answered is what is known here.
  expect(failures.map(([, status]) => status)).toEqual(Array.from({ length: 8 }, () => 'UNAVAILABLE'))
  expect(await predictionsLeft(control, gateway)).toBe(answered)
})
