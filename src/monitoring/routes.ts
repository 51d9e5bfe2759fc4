// HTTP of monitoring: outcomes in; predictions, days, monitors and alerts out.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Connection } from '../platform/database.ts'
import { actorOf } from '../governance/access.ts'
import type { AuditTables } from '../governance/audit.ts'
import { Page } from '../platform/http.ts'
import { EndpointName } from '../serving/endpoint.ts'
import { dayOf } from './aggregates/arm.ts'
import { findTotal } from './aggregates/aggregate-store.ts'
import { findOutcomes, findPredictions, listPredictions, type StoredPrediction } from './aggregates/prediction-store.ts'
import { Alert, alertNotFound } from './alert.ts'
import { ArmSummary, summariseDays } from './day-summary.ts'
import type { EvaluationTables } from './evaluation.ts'
import { Monitor, MonitorResult } from './monitor.ts'
import { acknowledgeAlert, setMonitors } from './monitors.ts'
import { findAlert, listAlerts } from './monitors/alert-store.ts'
import { listMonitors, listResults } from './monitors/monitor-store.ts'
import { OutcomeBatch, OutcomeReceipt, predictionNotFound } from './outcome.ts'
import { outcomesOfCsv, outcomesOfLines } from './outcome-text.ts'
import { recordOutcomes } from './outcomes.ts'
import { predictionsDropped, predictionsLost, windowName } from './report.ts'
import type { VersionLookup } from './version-facts.ts'
import { watermarkMs } from './watermark.ts'

export interface MonitoringDeps {
  readonly db: Connection<EvaluationTables & AuditTables>
  readonly versions: VersionLookup
}

const read = { permission: 'monitor.read' } as const
const write = { permission: 'monitor.write' } as const
const ofEndpoint = z.object({ endpoint: EndpointName })
const limit = Page.shape.limit

const Prediction = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  version: z.string(),
  role: z.enum(['champion', 'canary']),
  /** Share of the traffic that the version had then. */
  assignedWith: z.number(),
  eventTimeMs: z.int(),
  atMs: z.int(),
  output: z.array(z.number()),
  shadows: z.array(z.strictObject({ version: z.string(), output: z.array(z.number()).nullable() })),
  /** Where the lineage graph knows it: ask it for what is upstream. */
  lineageNode: z.string(),
})

const KnownOutcome = z.strictObject({
  value: z.union([z.number(), z.string(), z.boolean()]),
  revision: z.int(),
  receivedMs: z.int(),
  observedMs: z.int().nullable(),
})

function predictionOf({ weightPpm, ...prediction }: StoredPrediction): z.infer<typeof Prediction> {
  const { endpoint, version, eventTimeMs } = prediction
  const lineageNode = `prediction_window:${windowName(endpoint, version, dayOf(eventTimeMs))}`
  return { ...prediction, assignedWith: weightPpm / 1_000_000, lineageNode }
}

/** Outcomes as JSON, CSV or newline-delimited JSON; all three are checked and stored alike. */
export const outcomeRoutes: FastifyPluginAsyncZod<MonitoringDeps> = async (server, { db, versions }) => {
  server.addContentTypeParser('text/csv', { parseAs: 'string' }, async (_request: unknown, text: string) => ({
    outcomes: outcomesOfCsv(text),
  }))
  server.addContentTypeParser(
    'application/x-ndjson',
    { parseAs: 'string' },
    async (_request: unknown, text: string) => ({
      outcomes: outcomesOfLines(text),
    }),
  )
  const schema = { body: OutcomeBatch, response: { 200: OutcomeReceipt } }
  server.post('/outcomes', { config: { permission: 'outcome.write' }, schema }, (request) =>
    recordOutcomes({ db, versions, clock: actorOf(request).clock }, request.body.outcomes),
  )
}

export const predictionRoutes: FastifyPluginAsyncZod<MonitoringDeps> = async (server, { db }) => {
  const one = {
    params: z.object({ id: z.string().min(1).max(200) }),
    response: { 200: z.strictObject({ prediction: Prediction, outcome: KnownOutcome.nullable() }) },
  }
  server.get('/predictions/:id', { config: read, schema: one }, async ({ params: { id } }) => {
    const found = (await findPredictions(db, [id])).get(id)
    if (!found) throw predictionNotFound(id)
    const outcome = (await findOutcomes(db, [id])).get(id)
    return {
      prediction: predictionOf(found),
      outcome: outcome
        ? {
            value: JSON.parse(outcome.value) as z.infer<typeof KnownOutcome>['value'],
            revision: outcome.revision,
            receivedMs: outcome.received_ms,
            observedMs: outcome.observed_ms,
          }
        : null,
    }
  })

  const many = {
    params: ofEndpoint,
    querystring: z.object({ limit, beforeMs: z.coerce.number().int().optional() }),
    response: { 200: z.strictObject({ predictions: z.array(Prediction) }) },
  }
  server.get('/endpoints/:endpoint/predictions', { config: read, schema: many }, async ({ params, query }) => ({
    predictions: (await listPredictions(db, { ...params, ...query })).map(predictionOf),
  }))

  const days = {
    params: ofEndpoint,
    querystring: z.object({
      fromMs: z.coerce.number().int().default(0),
      toMs: z.coerce.number().int().default(Number.MAX_SAFE_INTEGER),
      version: z.string().optional(),
      /** One row for each version and role over the range instead of one a day. */
      total: z.stringbool().default(false),
    }),
    response: {
      200: z.strictObject({
        watermarkMs: z.int().nullable(),
        /** Logged rows that full buffers of any endpoint dropped, since the beginning. */
        predictionsDropped: z.int(),
        /** Logged rows of any endpoint that were lost with gateway workers that were killed. */
        predictionsLost: z.int(),
        arms: z.array(ArmSummary),
      }),
    },
  }
  server.get('/endpoints/:endpoint/days', { config: read, schema: days }, async ({ params, query }) => ({
    watermarkMs: (await watermarkMs(db, params.endpoint)) ?? null,
    predictionsDropped: await findTotal(db, predictionsDropped),
    predictionsLost: await findTotal(db, predictionsLost),
    arms: await summariseDays(db, { ...params, ...query }),
  }))
}

export const monitorRoutes: FastifyPluginAsyncZod<MonitoringDeps> = async (server, { db }) => {
  const monitors = z.strictObject({ monitors: z.array(Monitor).max(100) })
  const url = '/endpoints/:endpoint/monitors'
  const listed = async (endpoint: string) => ({
    monitors: (await listMonitors(db, endpoint)).map(({ monitor }) => monitor),
  })
  server.get(url, { config: read, schema: { params: ofEndpoint, response: { 200: monitors } } }, ({ params }) =>
    listed(params.endpoint),
  )
  const replaced = { params: ofEndpoint, body: monitors, response: { 200: monitors } }
  server.put(url, { config: write, schema: replaced }, async (request) => {
    const { endpoint } = request.params
    await setMonitors(db, actorOf(request), { endpoint, monitors: request.body.monitors })
    return listed(endpoint)
  })

  const results = {
    params: ofEndpoint,
    querystring: z.object({ limit, monitor: z.string().optional(), beforeMs: z.coerce.number().int().optional() }),
    response: { 200: z.strictObject({ results: z.array(MonitorResult) }) },
  }
  server.get('/endpoints/:endpoint/monitor-results', { config: read, schema: results }, async ({ params, query }) => ({
    results: await listResults(db, { ...params, ...query }),
  }))
}

export const alertRoutes: FastifyPluginAsyncZod<MonitoringDeps> = async (server, { db }) => {
  const listed = {
    querystring: z.object({
      limit,
      endpoint: EndpointName.optional(),
      /** Only those that are not resolved. */
      active: z.stringbool().default(false),
      /** Id of the last one of the page before. */
      before: z.string().optional(),
    }),
    response: { 200: z.strictObject({ alerts: z.array(Alert) }) },
  }
  server.get('/alerts', { config: read, schema: listed }, async ({ query }) => ({
    alerts: await listAlerts(db, query),
  }))

  const one = { params: z.object({ id: z.string().min(1).max(64) }), response: { 200: Alert } }
  server.get('/alerts/:id', { config: read, schema: one }, async ({ params: { id } }) => {
    const alert = await findAlert(db, id)
    if (!alert) throw alertNotFound(id)
    return alert
  })
  server.post('/alerts/:id/acknowledge', { config: write, schema: one }, (request) =>
    acknowledgeAlert(db, actorOf(request), request.params.id),
  )
}

/** All of monitoring's routes. */
export const monitoringRoutes: FastifyPluginAsyncZod<MonitoringDeps> = async (server, deps) => {
  await server.register(outcomeRoutes, deps)
  await server.register(predictionRoutes, deps)
  await server.register(monitorRoutes, deps)
  await server.register(alertRoutes, deps)
}
