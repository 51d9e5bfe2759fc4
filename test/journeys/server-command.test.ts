// `trueloop server` in the place of `mlflow server`: the real command with its flags on empty homes, over HTTP as clients see it.
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { release } from '../../src/mlflow/generated/descriptors.ts'
import { freePort } from '../free-port.ts'

const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
// As the command sees its current folder: a temporary folder may lie behind a link.
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'trueloop-server-')))
const { PATH, HOME } = process.env
const env = { PATH, HOME, NODE_COMPILE_CACHE: join(folder, 'compiled') }
const proxyPath = '/api/2.0/mlflow-artifacts/artifacts'

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

interface Command {
  /** What it has said so far. */
  readonly said: { out: string; err: string }
  readonly ended: Promise<Ended>
  readonly child: ChildProcess
}

const started = new Set<ChildProcess>()

function start(args: readonly string[]): Command {
  const child = spawn(process.execPath, [program, 'server', ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.add(child)
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      started.delete(child)
      resolve({ code, ...said })
    })
  })
  return { said, ended, child }
}

interface Served {
  /** As it says it, once it is up. */
  readonly url: string
  readonly said: Command['said']
  readonly end: () => Promise<Ended>
}

/** @throws Error with what it said, when it ends in place of coming up */
async function serve(args: readonly string[]): Promise<Served> {
  const { child, said, ended } = start(args)
  const up = new Promise<string>((resolve) => {
    child.stdout?.on('data', () => {
      const { url } = /MLFLOW_TRACKING_URI=(?<url>\S+)\n {2}home .+\n/v.exec(said.out)?.groups ?? {}
      if (url !== undefined) resolve(url)
    })
  })
  const url = await Promise.race([up, ended.then((end) => new Error(`it did not come up: ${JSON.stringify(end)}`))])
  if (url instanceof Error) throw url
  const end = (): Promise<Ended> => {
    child.kill('SIGTERM')
    return ended
  }
  return { url, said, end }
}

/** Of whole servers that come up on a busy machine. */
const testMs = 300_000
const portTries = 5

/** With the port named in advance, which somebody else may take meanwhile. */
async function serveAt(argsOf: (port: number) => readonly string[]): Promise<Served & { port: number }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    try {
      return { port, ...(await serve(['--port', String(port), ...argsOf(port)])) }
    } catch (error) {
      if (tries === portTries || !String(error).includes('is taken')) throw error
    }
  }
}

afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

async function answerOf(response: Response): Promise<string> {
  const text = await response.text()
  expect({ status: response.status, text }).toEqual({ status: 200, text })
  return text
}

interface Call {
  readonly url: string
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
}

async function call<T>({ url, path, body }: Call, answer: z.ZodType<T>): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await fetch(new URL(`/api/2.0/mlflow/${path}`, url), init)
  return answer.parse(JSON.parse(await answerOf(response)))
}

const Made = z.object({ experiment_id: z.string() })
const Experiment = z.object({ experiment: z.object({ name: z.string(), artifact_location: z.string() }) })
const Run = z.object({ run: z.object({ info: z.object({ run_id: z.string(), artifact_uri: z.string() }) }) })
const Listing = z.object({
  root_uri: z.string(),
  files: z.array(z.object({ path: z.string(), file_size: z.int() })),
})

const locationOf = async (url: string, id: string): Promise<string> => {
  const { experiment } = await call({ url, path: `experiments/get?experiment_id=${id}` }, Experiment)
  return experiment.artifact_location
}

interface Places {
  readonly id: string
  readonly location: string
  readonly runId: string
  readonly runUri: string
}

/** Of a new experiment, and of a run in it: as they are told when they are asked for. */
async function newPlaces(url: string, name: string): Promise<Places> {
  const { experiment_id: id } = await call({ url, path: 'experiments/create', body: { name } }, Made)
  const { run } = await call({ url, path: 'runs/create', body: { experiment_id: id } }, Run)
  const { run_id: runId } = run.info
  const { info } = (await call({ url, path: `runs/get?run_id=${runId}` }, Run)).run
  return { id, location: await locationOf(url, id), runId, runUri: info.artifact_uri }
}

/** Where an MLflow server keeps the artifacts of the first experiment that is made, and of a run in it, below its default root. */
function expectBelow(root: string, places: Places, id = '1'): void {
  const { runId } = places
  expect(runId).toMatch(/^[0-9a-f]{32}$/v)
  expect(places).toEqual({ id, location: `${root}${id}`, runId, runUri: `${root}${id}/${runId}/artifacts` })
}

const listed = ({ url, runId, path }: { url: string; runId: string; path: string }): Promise<z.infer<typeof Listing>> =>
  call({ url, path: `artifacts/list?run_id=${runId}&path=${path}` }, Listing)

const text = 'what a client wrote: ä, ✓\n'
const bytes = Buffer.from(text)

const put = async (target: string | URL): Promise<void> => {
  await answerOf(await fetch(target, { method: 'PUT', body: bytes }))
}
const got = async (target: string | URL): Promise<string> => answerOf(await fetch(target))

/** Stored by content. */
const storedIn = (store: string): string => {
  const digest = createHash('sha256').update(bytes).digest('hex')
  return join(store, digest.slice(0, 2), digest.slice(2))
}

const endedWell = { code: 0 }

test(
  'it says when it is up and answers; artifacts go where the flags say; it ends on SIGTERM, and what it had is there again',
  async () => {
    const rooted = pathToFileURL(join(folder, 'clients', 'write here')).href
    const [own, outside] = await Promise.all([
      serveAt(() => ['--home=own', '--default-artifact-root=mlflow-artifacts:/', '--artifacts-destination=kept/here']),
      serve([
        '--home',
        join(folder, 'outside'),
        '--host',
        '127.0.0.1',
        '--port',
        '0',
        '--default-artifact-root',
        rooted,
      ]),
    ])
    const address = `http://127.0.0.1:${own.port}`
    expect(own.said.out).toBe(
      `Trueloop's control plane is up.\n  MLFLOW_TRACKING_URI=${address}\n  home ${join(folder, 'own')}\n`,
    )
    expect(outside.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/v)
    for (const { url } of [own, outside]) {
      expect(await got(new URL('/health', url))).toBe('OK')
      expect(await got(new URL('/version', url))).toBe(release)
    }

    expect(await locationOf(own.url, '0')).toBe('mlflow-artifacts:/0')
    const kept = await newPlaces(own.url, 'kept')
    expectBelow('mlflow-artifacts:/', kept)
    const artifact = `${proxyPath}/1/${kept.runId}/artifacts/notes/a%20b.txt`
    await put(new URL(artifact, own.url))
    expect(await got(new URL(artifact, own.url))).toBe(text)
    const file = { path: 'notes/a b.txt', file_size: bytes.length }
    expect(await listed({ ...own, ...kept, path: 'notes' })).toEqual({ root_uri: kept.runUri, files: [file] })
    expect(readFileSync(storedIn(join(folder, 'kept', 'here')), 'utf8')).toBe(text)
    expect(existsSync(storedIn(join(folder, 'own', 'blobs')))).toBe(false)

    expect(await locationOf(outside.url, '0')).toBe(`${rooted}/0`)
    const written = await newPlaces(outside.url, 'written')
    expectBelow(`${rooted}/`, written)
    // As MLflow's client does it, on the server's machine.
    const place = join(folder, 'clients', 'write here', '1', written.runId, 'artifacts', 'notes')
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'a b.txt'), bytes)
    expect(await listed({ ...outside, ...written, path: 'notes' })).toEqual({ root_uri: written.runUri, files: [file] })
    expect(await got(new URL(`/get-artifact?run_id=${written.runId}&path=notes/a%20b.txt`, outside.url))).toBe(text)

    const [ownEnd, outsideEnd] = await Promise.all([own.end(), outside.end()])
    expect(ownEnd).toMatchObject(endedWell)
    expect(outsideEnd).toMatchObject(endedWell)

    // Other defaults hold for what is made from then on; relative ones are below the folder in which the command was started.
    const store = pathToFileURL(join(folder, 'other store')).href
    const [again, outsideAgain] = await Promise.all([
      serve(['--home=own', '--port=0', '--default-artifact-root=./below/', '--artifacts-destination=./kept/here/']),
      serve(['--home=outside', '--port=0', '--default-artifact-root=file:below/too', '--artifacts-destination', store]),
    ])
    expect(await locationOf(again.url, kept.id)).toBe(kept.location)
    expect(await got(new URL(artifact, again.url))).toBe(text)
    expectBelow(`${join(folder, 'below')}/`, await newPlaces(again.url, 'below'), '2')
    expect(await locationOf(outsideAgain.url, written.id)).toBe(written.location)
    expectBelow(`${pathToFileURL(join(folder, 'below', 'too')).href}/`, await newPlaces(outsideAgain.url, 'below'), '2')
    await put(new URL(`${proxyPath}/loose.txt`, outsideAgain.url))
    expect(readFileSync(storedIn(join(folder, 'other store')), 'utf8')).toBe(text)
    const ends = await Promise.all([again.end(), outsideAgain.end()])
    expect(ends).toMatchObject([endedWell, endedWell])
  },
  testMs,
)

test(
  'a bucket is a place to point to; an address of its own is where it keeps things itself',
  async () => {
    const rootAt = (port: number): string => `http://127.0.0.1:${port}${proxyPath}`
    const [bucket, own] = await Promise.all([
      serve(['--home', 'bucket', '--port', '0', '--default-artifact-root', 's3://bucket/x']),
      // Set to nothing is not set: what is stored lies in the home.
      serveAt((port) => ['--home=addressed', `--default-artifact-root=${rootAt(port)}`, '--artifacts-destination=']),
    ])
    expect(await locationOf(bucket.url, '0')).toBe('s3://bucket/x/0')
    expectBelow('s3://bucket/x/', await newPlaces(bucket.url, 'in a bucket'))

    const root = `${rootAt(own.port)}/`
    expect(await locationOf(own.url, '0')).toBe(`${root}0`)
    const places = await newPlaces(own.url, 'addressed')
    expectBelow(root, places)
    // MLflow's client writes to the address itself.
    await put(`${places.runUri}/notes/a.txt`)
    expect(await got(`${places.runUri}/notes/a.txt`)).toBe(text)
    const files = [{ path: 'notes/a.txt', file_size: bytes.length }]
    expect(await listed({ ...own, ...places, path: 'notes' })).toEqual({ root_uri: places.runUri, files })
    expect(await got(new URL(`/get-artifact?run_id=${places.runId}&path=notes/a.txt`, own.url))).toBe(text)
    expect(readFileSync(storedIn(join(folder, 'addressed', 'blobs')), 'utf8')).toBe(text)

    // What is taken says so: the home, and the port.
    const [home, port] = await Promise.all([
      start(['--home', 'bucket', '--port', '0']).ended,
      start(['--home', 'late', '--port', String(own.port)]).ended,
    ])
    expect(home).toMatchObject({ code: 6, out: '' })
    expect(home.err).toMatch(/^error \S+\/bucket is in use by process \d+ \(server\).*\n$/v)
    expect({ ...port, err: port.err.split(':')[0] }).toEqual({
      code: 1,
      out: '',
      err: `error port ${own.port} of 127.0.0.1 is taken`,
    })

    const ends = await Promise.all([bucket.end(), own.end()])
    expect(ends).toMatchObject([endedWell, endedWell])
  },
  testMs,
)

const wrong: { args: readonly string[]; code: number; told: string }[] = [
  { args: ['--port', '65536'], code: 2, told: '--port 65536: a port is a number from 0' },
  { args: ['--artifact-root', 's3://bucket'], code: 2, told: "unknown option '--artifact-root'" },
  { args: ['--host', '0.0.0.0'], code: 1, told: 'refusing to listen on 0.0.0.0' },
  { args: ['--default-artifact-root', 'file://other/x'], code: 1, told: '--default-artifact-root file://other/x: ' },
]

test(
  'wrong options are one sentence on standard error, with an exit code, and make nothing',
  async () => {
    const home = join(folder, 'never')
    for (let at = 0; at < wrong.length; at += 2) {
      const two = wrong.slice(at, at + 2)
      const ends = await Promise.all(two.map(({ args }) => start(['--home', home, ...args]).ended))
      for (const [index, { code, told }] of two.entries()) {
        expect(ends[index]).toMatchObject({ code, out: '' })
        expect(ends[index]?.err).toMatch(/^error [^\n]+\n$/v)
        expect(ends[index]?.err).toContain(told)
      }
    }
    expect(existsSync(home)).toBe(false)
  },
  testMs,
)
