// For slow tests: a whole gateway as processes, and a control plane of real routes on SQLite that it follows.
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { governanceMigrations } from '../../governance/migrations.ts'
import { createTestServer, testActor } from '../../governance/testing.ts'
import { modelMigrations } from '../../models/migrations.ts'
import { getGraphVersion } from '../../models/model-version-store.ts'
import { judgeVersion } from '../../models/version-changes.ts'
import { registerVersion } from '../../models/registration.ts'
import type { RegistryTables } from '../../models/registry-tables.ts'
import { smallSignature } from '../../models/testing.ts'
import { sleep } from '../../platform/clock.ts'
import { transact } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { createTestDatabase, type TestDatabase } from '../../platform/testing.ts'
import { defaultOptions } from '../endpoint-options.ts'
import type { EndpointVariant } from '../endpoint.ts'
import { createEndpoint, setVariants } from '../endpoints.ts'
import { createGatewayConfigs } from '../gateway-configs.ts'
import { GatewayReport } from '../gateway-report.ts'
import { gatewayPaths } from '../gateway-worker.ts'
import { servingMigrations } from '../migrations.ts'
import { endpointRoutes, gatewayControlRoutes, type ServingTables } from '../routes.ts'
import { smallBaseline, type TestModel } from '../testing.ts'
import { listSpool } from '../worker/reports/report-spool.ts'

type Tables = ServingTables & RegistryTables

export interface TestControlPlane extends AsyncDisposable {
  readonly db: TestDatabase<Tables>
  readonly url: string
  readonly reports: GatewayReport[]
  /** Registers and approves the next version of `flights`. */
  addModel(model: TestModel): Promise<string>
  setVariants(variants: readonly EndpointVariant[]): Promise<void>
  /** Stops answering; `start` begins again on the same port. */
  stop(): Promise<void>
  start(): Promise<void>
}

const settings = { clock: 'event', logShare: 1, queueRowsMax: 10_000, options: defaultOptions } as const

/** What gateways and the command line ask for besides: versions, and bytes by digest. */
const objectRoutes: FastifyPluginAsync<{ db: TestDatabase<Tables>; blobs: ReadonlyMap<string, Uint8Array> }> = async (
  api,
  { db, blobs },
) => {
  api.get<{ Params: { model: string; version: string } }>(
    '/models/:model/versions/:version',
    { config: { permission: 'model.read' } },
    async ({ params: { model, version } }) => getGraphVersion(db, { model, version: Number(version) }),
  )
  api.get<{ Params: { digest: string } }>(
    '/blobs/:digest',
    { config: { permission: 'data.read' } },
    async (request, reply) =>
      reply.type('application/octet-stream').send(Buffer.from(blobs.get(request.params.digest) ?? [])),
  )
}

/** Of how many predictions the control plane has heard: those that it got, and those above the rate that a worker logs at. */
export const predictionsTold = ({ reports }: Pick<TestControlPlane, 'reports'>): number =>
  reports.reduce((sum, { predictions, dropped }) => sum + predictions.length + dropped, 0)

/** The same once the gateway has ended, with the reports that it had no time to send: they wait for its next start. */
export async function predictionsLeft(
  { reports }: Pick<TestControlPlane, 'reports'>,
  { home }: Pick<TestGateway, 'home'>,
): Promise<number> {
  const left = (await listSpool(gatewayPaths(home).reports)).map(async (report) =>
    GatewayReport.parse(JSON.parse(await readFile(report.path, 'utf8'))),
  )
  const all = [...reports, ...(await Promise.all(left))]
  const each = new Map(all.map((report) => [`${report.worker} ${report.sequence}`, report]))
  return predictionsTold({ reports: [...each.values()] })
}

/** With one endpoint, `flights`, that has no variants yet. `how`: gateways hear of changes. */
export async function startTestControlPlane(how: { pollMs?: number } = {}): Promise<TestControlPlane> {
  const migrations = { ...eventMigrations, ...governanceMigrations, ...modelMigrations, ...servingMigrations }
  const db = await createTestDatabase<Tables>(migrations)
  const actor = testActor()
  const blobs = new Map<string, Uint8Array>()
  const reports: GatewayReport[] = []
  const configs = createGatewayConfigs(db, how)
  let server: (FastifyInstance & AsyncDisposable) | undefined
  let port = 0
  await transact(db, (trx) => createEndpoint(trx, actor, { name: 'flights', settings }))
  const start = async (): Promise<void> => {
    server = await createTestServer(async (root) => {
      const deps = {
        db,
        configs,
        onReport: async (_: unknown, report: GatewayReport) => void reports.push(report),
      }
      await root.register(
        async (api) => {
          await api.register(endpointRoutes, deps)
          await api.register(gatewayControlRoutes, deps)
          await api.register(objectRoutes, { db, blobs })
        },
        { prefix: '/api' },
      )
    }, {})
    port = Number(new URL(await server.listen({ host: '127.0.0.1', port })).port)
  }
  const stop = async (): Promise<void> => {
    server?.server.closeAllConnections()
    await server?.close()
  }
  await start()
  return {
    db,
    url: `http://127.0.0.1:${port}`,
    reports,
    start,
    stop,
    async addModel({ bytes, signature = smallSignature, baseline = smallBaseline }) {
      const digest = createHash('sha256').update(bytes).digest('hex')
      blobs.set(digest, bytes)
      return transact(db, async (trx) => {
        const made = await registerVersion(trx, actor, {
          model: 'flights',
          digest,
          bytes: bytes.length,
          signature,
          baseline,
        })
        await judgeVersion(trx, actor, { model: 'flights', version: made.version, state: 'approved', reason: 'test' })
        return `flights/${made.version}`
      })
    },
    async setVariants(variants) {
      await transact(db, (trx) => setVariants(trx, actor, { endpoint: 'flights', variants, reason: 'test' }))
      configs.wake()
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await db[Symbol.asyncDispose]()
    },
  }
}

export interface TestGateway extends AsyncDisposable {
  readonly home: string
  readonly url: string
  readonly primary: ChildProcess
  /** Pids of the workers that run now. */
  workers(): number[]
  /** What the processes have written to their log. */
  log(): string
  /** Waits until `condition` holds; fails after the time. */
  until(condition: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>
}

/** Not the process that loads a version before the workers do, nor one that has ended or has not become what it will be. */
function isWorker(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('gateway-worker')
  } catch {
    return false
  }
}

const gatewayFile = join(import.meta.dirname, '../../app/gateway.ts')

/** Starts `app/gateway.ts` and waits until it serves. */
export async function startTestGateway(
  controlPlaneUrl: string,
  { home = mkdtempSync(join(tmpdir(), 'trueloop-gateway-')), workers = 2 } = {},
): Promise<TestGateway> {
  let text = ''
  const primary = spawn(process.execPath, [gatewayFile], {
    env: {
      TRUELOOP_HOME: home,
      TRUELOOP_URL: controlPlaneUrl,
      TRUELOOP_GATEWAY_PORT: '0',
      TRUELOOP_GATEWAY_WORKERS: String(workers),
    },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  primary.stderr!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const until: TestGateway['until'] = async (condition, limitMs = 60_000) => {
    for (let waited = 0; waited < limitMs; waited += 20) {
      if (await condition()) return
      await sleep(20)
    }
    throw new Error(`what the test waits for did not happen; the log:\n${text}`)
  }
  const runtime = join(home, 'run', 'gateway.json')
  let url = ''
  await until(() => {
    try {
      const found = JSON.parse(readFileSync(runtime, 'utf8')) as { url?: string; process: { pid: number } }
      if (found.process.pid === primary.pid) url = found.url ?? ''
    } catch {
      return false // Not there yet.
    }
    return url !== ''
  })
  return {
    home,
    url,
    primary,
    until,
    log: () => text,
    workers: () =>
      readFileSync(`/proc/${primary.pid}/task/${primary.pid}/children`, 'utf8')
        .split(' ')
        .filter((pid) => pid !== '' && isWorker(pid))
        .map(Number),
    async [Symbol.asyncDispose]() {
      if (primary.exitCode === null && primary.signalCode === null) {
        primary.kill('SIGTERM')
        await new Promise((resolve) => primary.once('exit', resolve))
      }
      rmSync(home, { recursive: true, force: true })
    },
  }
}
