// Spans from OpenTelemetry's exporters, MLflow's clients among them: `POST /v1/traces`, OTLP over HTTP.
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { assertWritesIn, assertWritesRun } from '../../experiments/write-scope.ts'
import { callerOf } from '../../governance/access.ts'
import { transact } from '../../platform/database.ts'
import { DomainError, messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import type { TagRule, TraceFindings } from '../../tracing/intake.ts'
import { createOtlpReader, packings, type OtlpReader, type Packing } from '../../tracing/otlp-reader.ts'
import { otlpTypes, type OtlpType } from '../../tracing/otlp.ts'
import { linksMax } from '../../tracing/trace.ts'
import { linkToRun } from '../../tracing/traces.ts'
import { MlflowError } from '../wire/errors.ts'
import { answerErrors } from '../server.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { fittedTag } from '../tracking/names.ts'
import type { TraceDeps } from './deps.ts'

/** Of a request as it comes. */
const bodyBytesMax = 64 * 1024 * 1024

/** Answered in the form of MLflow's OTLP endpoint, which is not that of its other methods. */
class OtlpRefusal extends Error {
  readonly status: number
  readonly detail: unknown
  constructor(status: number, detail: unknown) {
    super(typeof detail === 'string' ? detail : JSON.stringify(detail))
    this.status = status
    this.detail = detail
  }
}

const missingExperiment = [
  { type: 'missing', loc: ['header', 'x-mlflow-experiment-id'], msg: 'Field required', input: null },
]

export const otlpRoute: FastifyPluginAsync<TraceDeps & { log: Log }> = async (server, deps) => {
  answerErrors(server, deps.log)
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (_request, body, done) =>
    done(null, body),
  )
  const reader = createOtlpReader()
  server.addHook('onClose', () => reader[Symbol.asyncDispose]())
  const config = { permission: 'trace.write' } as const
  server.post('/v1/traces', { schema: { hide: true }, config }, async (request, reply) => {
    try {
      await receive({ ...deps, exports: reader }, request)
    } catch (error) {
      return refuse(reply, error)
    }
    // The message of full success has no fields.
    return reply.type('application/x-protobuf').send(Buffer.alloc(0))
  })
}

function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  const refusal = error instanceof DomainError ? (refusalOf(error) ?? error) : error
  if (!(refusal instanceof OtlpRefusal)) throw refusal
  return reply
    .code(refusal.status)
    .type('application/json')
    .send(JSON.stringify({ detail: refusal.detail }))
}

function refusalOf({ code, message }: DomainError): OtlpRefusal | undefined {
  if (code === 'otlp_malformed') return new OtlpRefusal(400, 'Invalid OpenTelemetry format')
  if (code === 'otlp_span') return new OtlpRefusal(422, 'Cannot convert OpenTelemetry span to MLflow span')
  if (code === 'otlp_packing') return new OtlpRefusal(400, message)
  if (code === 'otlp_too_large') return new OtlpRefusal(413, message)
  return undefined
}

type ReceiveDeps = TraceDeps & { readonly log: Log; readonly exports: OtlpReader }

async function receive(deps: ReceiveDeps, request: FastifyRequest): Promise<void> {
  const { headers } = request
  const experiment = headers['x-mlflow-experiment-id']
  if (typeof experiment !== 'string') throw new OtlpRefusal(422, missingExperiment)
  const type = typeOf(headers['content-type'])
  const packing = packingOf(headers['content-encoding'])
  const bytes = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  const { resources, traces } = await deps.exports.read({ bytes, type, packing }, tagRule(deps))
  if (resources === 0) throw new OtlpRefusal(400, 'Invalid OpenTelemetry format - no spans found')
  if (traces.length === 0) return
  const experimentId = experimentIdOf(experiment)
  const caller = callerOf(request)
  await assertWritesIn(deps.db, caller, experimentId)
  const run = headers['x-mlflow-run-id']
  if (typeof run === 'string' && run !== '') await assertWritesRun(deps.db, caller, run)
  await deps.spans.write(experimentId, traces)
  if (typeof run === 'string' && run !== '') await linkFinished(deps, { run, traces })
}

function typeOf(contentType: string | undefined): OtlpType {
  const type = contentType?.split(';')[0]?.trim()
  const known = otlpTypes.find((each) => each === type)
  if (known) return known
  throw new OtlpRefusal(
    400,
    `Invalid Content-Type: ${contentType ?? 'None'}. Expected: application/x-protobuf or application/json`,
  )
}

const tagRule =
  ({ truncatesLongValues: truncates }: TraceDeps): TagRule =>
  (key, value) => {
    try {
      const tag = fittedTag({ key, value }, { truncates })
      return [tag.key, tag.value]
    } catch (error) {
      // A resource may have any attributes; those that are no tags are left out.
      if (error instanceof MlflowError) return undefined
      throw error
    }
  }

/** The spans are kept already, whatever comes of the links. */
async function linkFinished(
  { db, log }: ReceiveDeps,
  { run, traces }: { run: string; traces: readonly TraceFindings[] },
): Promise<void> {
  const finished = traces.filter(({ state }) => state !== null).map(({ traceId }) => traceId)
  try {
    for (let at = 0; at < finished.length; at += linksMax) {
      await transact(db, (trx) => linkToRun(trx, run, finished.slice(at, at + linksMax)))
    }
  } catch (error) {
    log.warn('traces could not be linked to a run', { run, error: messageOf(error) })
  }
}

function packingOf(encoding: string | undefined): Packing {
  const name = encoding?.toLowerCase() ?? ''
  const known = packings.find((each) => each === name)
  if (known !== undefined) return known
  throw new OtlpRefusal(400, `Unsupported Content-Encoding: ${name}`)
}
