// trueloop endpoint score on a home that runs: killed three times, it ends with each row once, as ONNX Runtime in Python predicts them.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { listAudit } from '../../src/governance/audit.ts'
import { smallModel } from '../../src/models/testing.ts'
import { sleep } from '../../src/platform/clock.ts'
import { openTables } from '../../src/platform/tables.ts'
import { ScoringManifest } from '../../src/serving/batch-scoring-manifest.ts'
import { startTestControlPlane } from '../../src/serving/testing/gateway.ts'
import { ensureVenv } from './venv.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const rows = 900_000
const kills = 3

/** The processes that a process has started. */
const childrenOf = (pid: number): number[] => {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.split(' ').filter(Boolean).map(Number)
  } catch {
    return [] // It is gone.
  }
}

const partsIn = (home: string): string[] => {
  const workspace = readdirSync(home).find((name) => name.startsWith('out.parquet.scoring-'))
  const parts = workspace === undefined ? '' : join(home, workspace, 'parts')
  return existsSync(parts) ? readdirSync(parts).filter((name) => name.endsWith('.parquet')) : []
}

test('a scoring that is killed again and again has each row once, in order, as Python predicts it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-score-'))
  await using control = await startTestControlPlane()
  try {
    const version = await control.addModel({ bytes: smallModel() })
    await control.setVariants([{ version, role: 'champion', weight: 1 }])
    const [input, output, model] = [join(home, 'in.parquet'), join(home, 'out.parquet'), join(home, 'model.onnx')]
    writeFileSync(model, smallModel())
    await using tables = await openTables({ memoryLimitBytes: 512 * 1024 * 1024, tempDirectory: home, threads: 2 })
    await tables.run(
      `COPY (SELECT i * 7 AS id, sin(i) * 3 AS x, ['AA', 'BB', 'CC', NULL][i % 4 + 1] AS carrier, TIMESTAMP '2001-01-31 07:45:00' + to_minutes(i % 10000) AS date FROM range(${rows}) t(i)) TO '${input}' (FORMAT parquet)`,
    )
    const main = join(root, 'src/cli/main.ts')
    const env = { ...process.env, TRUELOOP_HOME: home, TRUELOOP_URL: control.url, TRUELOOP_STEP_THREADS: '2' }
    const start = () =>
      spawn(process.execPath, [main, 'endpoint', 'score', 'flights', input, output], { env, stdio: 'ignore' })
    for (let kill = 1; kill <= kills; kill++) {
      const before = partsIn(home).length
      const scoring = start()
      for (let waited = 0; partsIn(home).length <= before && waited < 60_000; waited += 10) await sleep(10)
      const children = childrenOf(scoring.pid!)
      scoring.kill('SIGKILL')
      await new Promise((resolve) => scoring.once('close', resolve))
      expect(partsIn(home).length).toBeGreaterThan(before)
      // Nobody feeds its processes any more: they end by themselves.
      for (let waited = 0; children.some((pid) => existsSync(`/proc/${pid}`)) && waited < 20_000; waited += 50)
        await sleep(50)
      expect(children.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
      expect(existsSync(output)).toBe(false)
    }
    const { stdout } = await run(process.execPath, [main, '--json', 'endpoint', 'score', 'flights', input, output], {
      env,
    })
    const manifest = ScoringManifest.parse(JSON.parse(stdout))
    expect(manifest).toMatchObject({ rows, version, keys: ['id'] })
    expect(readdirSync(home).filter((name) => name.includes('scoring'))).toEqual([])
    const { python } = await ensureVenv(['pandas==2.3.3', 'pyarrow==26.0.1', 'onnxruntime==1.30.0'])
    const script = join(import.meta.dirname, 'score_reference.py')
    const reference = JSON.parse((await run(python, [script, model, input, output])).stdout) as { far: number }
    expect(reference).toMatchObject({
      rows,
      columns: ['id', 'prediction', 'probability_no', 'probability_yes'],
      same_order: true,
      labels_differ: 0,
    })
    expect(reference.far).toBeLessThan(1e-5)
    const audit = await listAudit(control.db, { subject: 'flights', limit: 100 })
    expect(audit.filter(({ action }) => action === 'endpoint.score')).toHaveLength(1)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
