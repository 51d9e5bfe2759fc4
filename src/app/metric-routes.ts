// GET /metrics of the control plane, in Prometheus' text format.
import type { FastifyInstance } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { on, type Connection } from '../platform/database.ts'
import type { Tables } from './tables.ts'

interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly Sample[]
}

/** By status. */
type Responses = ReadonlyMap<string, number>

/** Counts from now on. On the server itself: a hook of one plugin sees the answers of that plugin's routes only. */
export function countResponses(server: FastifyInstance): Responses {
  const answered = new Map<string, number>()
  server.addHook('onResponse', async (_request, { statusCode }) => {
    const status = String(statusCode)
    answered.set(status, (answered.get(status) ?? 0) + 1)
  })
  return answered
}

export interface MetricDeps {
  readonly db: Connection<Tables>
  readonly answered: Responses
}

export const metricRoutes: FastifyPluginAsyncZod<MetricDeps> = async (server, { db, answered }) => {
  server.get('/metrics', { schema: { hide: true }, config: { permission: 'system.read' } }, async (_request, reply) => {
    const responses = [...answered].map(([status, value]) => ({ labels: { status }, value }))
    const families: Family[] = [
      gauge('process_resident_memory_bytes', 'Resident memory of the control plane.', process.memoryUsage.rss()),
      {
        name: 'trueloop_http_responses_total',
        help: 'HTTP responses of the control plane by status.',
        type: 'counter',
        samples: responses,
      },
      ...(await stored(db)),
    ]
    return reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(families.map(textOf).join(''))
  })
}

const gauge = (name: string, help: string, value: number): Family => ({
  name,
  help,
  type: 'gauge',
  samples: [{ value }],
})

/** What the database tells: work that waits or failed, alerts that are open, rollouts under way. */
async function stored(db: Connection<Tables>): Promise<Family[]> {
  const count = on(db).fn.countAll<number>().as('n')
  const jobs = await on(db).selectFrom('job').select(['queue', 'state', count]).groupBy(['queue', 'state']).execute()
  const alerts = await on(db)
    .selectFrom('alert')
    .select(['endpoint', count])
    .where('state', '!=', 'resolved')
    .groupBy('endpoint')
    .execute()
  const rollouts = await on(db)
    .selectFrom('rollout')
    .select(['endpoint', 'state', count])
    .groupBy(['endpoint', 'state'])
    .execute()
  return [
    {
      name: 'trueloop_jobs',
      help: 'Jobs by queue and state.',
      type: 'gauge',
      samples: jobs.map(({ queue, state, n }) => ({ labels: { queue, state }, value: Number(n) })),
    },
    {
      name: 'trueloop_alerts_open',
      help: 'Alerts that are not resolved.',
      type: 'gauge',
      samples: alerts.map(({ endpoint, n }) => ({ labels: { endpoint }, value: Number(n) })),
    },
    {
      name: 'trueloop_rollouts',
      help: 'Rollouts by state.',
      type: 'gauge',
      samples: rollouts.map(({ endpoint, state, n }) => ({ labels: { endpoint, state }, value: Number(n) })),
    },
  ]
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

function textOf({ name, help, type, samples }: Family): string {
  const lines = samples.map(({ labels = {}, value }) => {
    const inside = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`)
    return `${name}${inside.length > 0 ? `{${inside.join(',')}}` : ''} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}
