// The guide's example of training in Python, as it stands in the guide: its two files, scikit-learn and skl2onnx, up to a live champion.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openHome, untilServed, type Home } from '../journeys/harness.ts'
import { historyDays, loansOf, writeHistory } from '../journeys/loans.ts'
import { ensureVenv } from './venv.ts'

const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
const guide = join(import.meta.dirname, '../../docs/guide/train-with-a-program.md')
let home: Home
let folder: string

/** The first block of that language. */
function blockOf(text: string, language: string): string {
  const block = new RegExp(`^\`\`\`${language}\\n(?<code>[\\s\\S]*?)^\`\`\`$`, 'mv').exec(text)?.groups?.['code']
  if (!block) throw new Error(`the guide has no ${language}`)
  return block
}

beforeAll(async () => {
  const packages = ['scikit-learn==1.9.1', 'onnx==1.23.1', 'skl2onnx==1.20.0', 'pandas==2.3.3', 'pyarrow==26.0.1']
  const { python } = await ensureVenv(packages)
  folder = await mkdtemp(join(tmpdir(), 'trueloop-python-'))
  const text = await readFile(guide, 'utf8')
  await writeFile(join(folder, 'loop.ts'), blockOf(text, 'ts'))
  await writeFile(join(folder, 'train.py'), blockOf(text, 'python'))
  await writeFile(join(folder, '.gitignore'), '.venv\n')
  await symlink(dirname(dirname(python)), join(folder, '.venv'))
  await mkdir(join(folder, 'data'))
  await writeHistory(join(folder, 'data'))
  home = await openHome()
}, 600_000)
afterAll(async () => {
  await home[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function apply(): Promise<{ code: number | null; said: string }> {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, TRUELOOP_HOME: home.directory }
  const child = spawn(process.execPath, [program, 'apply', '--yes', '--wait'], { cwd: folder, env })
  return new Promise((resolve, reject) => {
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, said }))
  })
}

const Runs = z.object({
  runs: z.array(z.object({ metrics: z.record(z.string(), z.object({ latest: z.number() })) })),
})

test('a scikit-learn pipeline goes live by the two files of the guide', async () => {
  const { code, said } = await apply()
  expect(code, said).toBe(0)
  expect(said).toContain('loans/1 is live')
  const { runs } = await home.client.call({ method: 'POST', path: '/runs/search', body: {}, answer: Runs })
  expect(runs).toHaveLength(1)
  expect(runs[0]?.metrics['training_auc']?.latest).toBeGreaterThan(0.6)
  expect(runs[0]?.metrics['holdout.auc']?.latest).toBeGreaterThan(0.6)
  await untilServed(home, 'loans')
  const { amount, country } = loansOf(historyDays)[0]!
  const answer = await fetch(new URL('/endpoints/loans/invocations', home.gatewayUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataframe_records: [{ amount, country }] }),
  })
  expect([answer.status, await answer.json()]).toMatchObject([200, { predictions: [expect.any(Boolean)] }])
})
