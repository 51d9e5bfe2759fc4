// What callers, files and disks do wrong, over HTTP against real processes: each is told in words, and everything goes on.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { pathOf } from '../../src/client/http-client.ts'
import type { LoopSpec } from '../../src/loop/spec.ts'
import { endlessModel } from '../../src/models/testing.ts'
import { openTables } from '../../src/platform/tables.ts'
import { literal } from '../../src/platform/tables-sql.ts'
import { inferenceOf, predictAll, type Answered, Receipt, send, type Reply } from './callers.ts'
import { eventually, expectHealthy, loopState, openHome, untilDecided, untilServed, type Home } from './harness.ts'
import { historyDays, loansLoop, loansOf, writeHistory } from './loans.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'

const decidedMs = 120_000
const startMs = 300_000
const testMs = 240_000
const diskMegabytes = 48

const opened = new AsyncDisposableStack()
let work: string
let disk: SmallDisk | undefined
let home: Home

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'trueloop-bad-input-'))
  opened.defer(() => rm(work, { recursive: true, force: true }))
  disk = opened.use(await openSmallDisk(diskMegabytes))
  home = opened.use(await openHome(disk ? { TRUELOOP_HOME: join(disk.path, 'home') } : {}))
  const folder = join(work, 'data')
  await writeHistory(folder)
  await apply(loansLoop(folder))
  await untilDecided(home, 'loans', { kinds: ['went_live', 'gate_refused', 'attempt_failed'], timeoutMs: decidedMs })
  await untilServed(home, 'loans')
}, startMs)

afterAll(async () => {
  await opened.disposeAsync()
}, testMs)

afterEach(async () => {
  await expectHealthy(home)
  const [answered] = await predictAll(home.gatewayUrl, loansOf(historyDays).slice(0, 1))
  expect(answered!.version).toBe('loans/1')
})

const apply = (spec: LoopSpec): Promise<unknown> =>
  home.client.call({ method: 'POST', path: '/loops/apply', body: { spec }, answer: z.unknown() })

const post = (url: URL, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Reply> =>
  send({ method: 'POST', url, body, headers: { 'content-type': 'application/json', ...headers } })

const infer = (body: unknown, path = '/v2/models/loans/infer'): Promise<Reply> =>
  post(new URL(path, home.gatewayUrl), JSON.stringify(body))

// Each protocol has its own field for the words.
const GatewayError = z.union([
  z.object({ error: z.string(), code: z.string() }),
  z.object({ message: z.string(), code: z.string() }).transform(({ message: error, code }) => ({ error, code })),
])
const gatewayError = ({ text }: Reply): z.infer<typeof GatewayError> => GatewayError.parse(JSON.parse(text))
const Problem = z.object({ code: z.string(), detail: z.string() })
const problem = ({ text }: Reply): z.infer<typeof Problem> => Problem.parse(JSON.parse(text))

const RunView = z.object({
  state: z.string(),
  steps: z.array(z.object({ name: z.string(), state: z.string(), errorMessage: z.string().nullable() })),
})

describe('a file that cannot be read ends in the story of its loop', () => {
  const header = 'time,amount,country,defaulted\n'
  const line = (at: number): string => `2025-03-0${1 + (at % 9)}T00:00:00Z,${at},AT,0\n`
  const lines = (count: number): string => Array.from({ length: count }, (_, at) => line(at)).join('')
  const cases: { name: string; file: string; content: () => Promise<string | Uint8Array>; told: RegExp[] }[] = [
    {
      name: 'ragged rows',
      file: 'ragged.csv',
      content: async () => `${header}${lines(3)}2025-03-01T00:00:00Z,5\n${lines(3)}1,2,3,4,5,6\n`,
      told: [/ragged\.csv/v, /lines? .*5.*9|5, 9/v],
    },
    {
      name: 'a text among numbers, far down',
      file: 'mixed.csv',
      content: async () => `${header}${lines(150_000)}2025-03-01T00:00:00Z,plenty,AT,0\n`,
      told: [/mixed\.csv/v, /150002/v, /amount/v, /string/v],
    },
    {
      name: 'another encoding',
      file: 'latin.csv',
      content: async () => Buffer.from(`${header}2025-03-01T00:00:00Z,5,\u00d6sterreich,0\n${lines(50)}`, 'latin1'),
      told: [/latin\.csv/v, /csv\.encoding/v],
    },
    { name: 'nothing in it', file: 'empty.csv', content: async () => '', told: [/empty\.csv/v, /empty/v] },
    {
      name: 'a Parquet file cut short',
      file: 'cut.parquet',
      content: cutParquet,
      told: [/cut\.parquet/v, /cut short/v],
    },
  ]

  async function cutParquet(): Promise<Uint8Array> {
    const path = join(work, 'whole.parquet')
    await using tables = await openTables({ memoryLimitBytes: 64 * 1024 * 1024, tempDirectory: work, threads: 1 })
    await tables.run(
      `COPY (SELECT i, md5(i::VARCHAR) AS m FROM range(10000) r(i)) TO ${literal(path)} (FORMAT parquet)`,
    )
    const whole = await readFile(path)
    return whole.subarray(0, whole.length / 2)
  }

  test.each(cases)('$name', { timeout: testMs }, async ({ file, content, told }) => {
    const [name = '', format = ''] = file.split('.')
    await mkdir(join(work, name))
    await writeFile(join(work, name, file), await content())
    const spec = loansLoop(join(work, name))
    const source = { kind: 'file' as const, paths: [join(work, name, file)], format: format as 'csv' | 'parquet' }
    const dataset = { ...spec.dataset, name, source }
    await apply({ ...spec, name, dataset, endpoint: { ...spec.endpoint, name } })
    const failed = await untilDecided(home, name, { kinds: ['attempt_failed', 'data_arrived'] })
    expect(failed.kind, failed.sentence).toBe('attempt_failed')
    for (const part of told) expect(failed.sentence).toMatch(part)
    expect(failed.sentence).toMatch(/no model serves yet; apply, ingest or trigger to try again/v)
    const id = String(failed.evidence['pipelineRun'])
    const run = await home.client.call({ path: pathOf`/pipeline-runs/${id}`, answer: RunView })
    expect(run).toMatchObject({ state: 'failed', steps: [{ name: 'ingest', state: 'failed' }] })
    expect(run.steps[0]!.errorMessage).toMatch(told[0]!)
    expect((await loopState(home, name)).phase).toBe('waiting_for_data')
  })
})

describe('a body that nobody should send', () => {
  const nested = (depth: number): string => `{"inputs":${'['.repeat(depth)}${']'.repeat(depth)}}`
  const large = (): string => `{"inputs":[{"name":"${'x'.repeat(20 * 1024 * 1024)}"}]}`

  test('nested 10,000 deep', async () => {
    for (const path of ['/v2/models/loans/infer', '/endpoints/loans/invocations']) {
      const deep = await post(new URL(path, home.gatewayUrl), nested(10_000))
      expect(deep.status).toBe(400)
      expect(gatewayError(deep)).toMatchObject({
        code: 'json_too_deep',
        error: expect.stringContaining('64') as string,
      })
    }
    for (const path of ['/api/outcomes', '/api/loops/plan', '/api/loops/apply', '/api/runs', '/api/pipeline-runs']) {
      const refused = await post(new URL(path, home.url), `{"spec":${'['.repeat(10_000)}${']'.repeat(10_000)}}`)
      expect(refused.status, `${path}: ${refused.text.slice(0, 300)}`).toBe(400)
      expect(problem(refused).detail.length).toBeLessThan(5_000)
    }
  })

  test('20 MB long, announced or not', async () => {
    for (const url of [new URL('/v2/models/loans/infer', home.gatewayUrl), new URL('/api/outcomes', home.url)]) {
      const announced = await post(url, large())
      expect(announced.status).toBe(413)
      expect(announced.text).toMatch(/too_large/v)
      const streamed = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: new Blob([large()]).stream(),
        duplex: 'half',
      }).catch((error: unknown) => error as Error)
      // The connection may be closed before all of it is sent; an answer that comes says why.
      if (streamed instanceof Response) expect(streamed.status).toBe(413)
    }
  })
})

describe('an inference request that does not fit', () => {
  const good = inferenceOf(loansOf(historyDays)[0]!) as {
    inputs: { name: string; datatype: string; data: unknown[] }[]
  }
  const changed = (name: string, change: object): object => ({
    inputs: good.inputs.map((input) => (input.name === name ? { ...input, ...change } : input)),
  })

  test('with a wrong, a missing or an unknown column, or a wrong type', async () => {
    const wrong: [object, RegExp[]][] = [
      [changed('amount', { name: 'amuont' }), [/amuont|amount/v]],
      [{ inputs: good.inputs.filter(({ name }) => name !== 'amount') }, [/amount/v]],
      [{ inputs: [...good.inputs, { ...good.inputs[0], name: 'shoe_size' }] }, [/shoe_size/v]],
      [changed('amount', { data: ['much'] }), [/amount/v, /row 0/v]],
      [changed('amount', { datatype: 'BYTES', data: ['much'] }), [/amount/v]],
      [changed('time', { data: ['yesterday'] }), [/time/v, /yesterday/v]],
    ]
    for (const [body, told] of wrong) {
      const refused = await infer(body)
      expect(refused.status, refused.text).toBe(400)
      for (const part of told) expect(gatewayError(refused).error).toMatch(part)
    }
  })

  test("with a wrong column, in MLflow's formats", async () => {
    const { time, amount, country } = loansOf(historyDays)[0]!
    const wrong = [
      { dataframe_records: [{ time, amuont: amount, country }] },
      { dataframe_split: { columns: ['time', 'amuont', 'country'], data: [[time, amount, country]] } },
      { inputs: { time: [time], amuont: [amount], country: [country] } },
    ]
    for (const body of wrong) {
      const refused = await infer(body, '/endpoints/loans/invocations')
      expect(refused.status, refused.text).toBe(400)
      expect(gatewayError(refused).error).toMatch(/amuont|amount/v)
    }
  })

  test('to an endpoint or a version that is not there', async () => {
    const endpoint = await infer(good, '/v2/models/lones/infer')
    expect([endpoint.status, gatewayError(endpoint).code]).toEqual([404, 'endpoint_not_served'])
    const version = await infer(good, '/v2/models/loans/versions/77/infer')
    expect([version.status, gatewayError(version).code]).toEqual([404, 'version_not_served'])
    const missing = home.client.call({ path: '/models/loans/versions/77', answer: z.unknown() })
    await expect(missing).rejects.toMatchObject({ kind: 'not_found', code: 'model_version_not_found' })
  })
})

test('an outcome of a prediction that nobody knows is kept, and counted as unmatched', async () => {
  const body = { outcomes: [{ predictionId: 'pred-from-elsewhere', value: 1 }] }
  const tell = () => home.client.call({ method: 'POST', path: '/outcomes', body, answer: Receipt })
  expect(await tell()).toEqual({ accepted: 0, duplicates: 0, unmatched: 1, revised: 0 })
  expect(await tell(), 'it was kept: a second telling is known').toMatchObject({ unmatched: 0, duplicates: 1 })
})

test('a proposed graph that would run for ever is refused with the reason', { timeout: testMs }, async () => {
  const { digest } = await home.client.call({
    method: 'POST',
    path: '/blobs',
    bytes: new Uint8Array(endlessModel().bytes),
    answer: z.object({ digest: z.string() }),
  })
  const body = { digest, reason: 'it thinks longer' }
  await home.client.call({ method: 'POST', path: '/loops/loans/proposals', body, answer: z.unknown() })
  const ended = await untilDecided(home, 'loans', {
    kinds: ['attempt_failed', 'gate_refused', 'gate_passed'],
    after: 6,
  })
  expect(ended.kind, ended.sentence).toBe('attempt_failed')
  expect(ended.sentence).toMatch(/Loop/v)
  expect(ended.sentence).toMatch(/loans\/1 stays/v)
  expect((await loopState(home, 'loans')).champion).toBe('loans/1')
  const signature = endlessModel().signature
  const upload = { digest, signature }
  const registered = home.client.call({
    method: 'POST',
    path: '/models/other/versions',
    body: upload,
    answer: z.unknown(),
  })
  await expect(registered).rejects.toMatchObject({ code: 'graph_subgraph' })
})

test(
  'a full disk is told, answers go on, and so do writes once there is room',
  { timeout: testMs },
  async (context) => {
    if (!disk) {
      const note =
        'NOT TESTED: a full disk. There is no right to mount a small one here: run as root to have it tested.'
      process.stderr.write(`${note}\n`)
      return context.skip(note)
    }
    const write = (at: number): Promise<unknown> =>
      home.client.call({
        method: 'POST',
        path: '/experiments',
        body: { name: `experiment ${at} ${'x'.repeat(200)}` },
        answer: z.unknown(),
      })
    const upload = (): Promise<unknown> =>
      home.client.call({
        method: 'POST',
        path: '/blobs',
        bytes: new Uint8Array(1_000_000).fill(7),
        answer: z.unknown(),
      })
    let refused: unknown
    let meanwhile: Answered[]
    {
      await using _ = disk.fill()
      await expect(upload()).rejects.toMatchObject({ kind: 'unavailable', code: 'disk_full' })
      // The metadata have some room inside their file.
      for (let at = 0; at < 2_000 && refused === undefined; at++)
        refused = await write(at).then(
          () => undefined,
          (error: unknown) => error,
        )
      expect(refused).toMatchObject({ kind: 'unavailable', code: 'disk_full' })
      await expectHealthy(home)
      meanwhile = await predictAll(home.gatewayUrl, loansOf(historyDays + 1).slice(0, 20))
    }
    await upload()
    await eventually('writes to work again', () => write(9_999).then(() => true), { timeoutMs: 60_000 })
    for (const { predictionId } of meanwhile) {
      const ask = () => home.client.call({ path: pathOf`/predictions/${predictionId}`, answer: z.unknown() })
      const found = (): Promise<true | undefined> =>
        ask().then(
          () => true as const,
          () => undefined,
        )
      await eventually('what was answered meanwhile to be logged', found, { timeoutMs: 60_000 })
    }
    const body = { reason: 'there is room again' }
    await home.client.call({ method: 'POST', path: '/loops/loans/pause', body, answer: z.unknown() })
    await untilDecided(home, 'loans', { kinds: ['paused'] })
  },
)
