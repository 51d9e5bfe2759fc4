// MLflow's methods as HTTP routes: reads a request as its server does, calls the method, and answers in its JSON.
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify'
import { actorOf, callerOf, type Permission } from '../governance/access.ts'
import { check, type Checks } from './wire/checks.ts'
import { FieldError, fieldsOf, findTwiceNamed, jsonNameOf, parseMessage } from './wire/codec.ts'
import { invalidParameter, MlflowError } from './wire/errors.ts'
import { methods as described } from './generated/descriptors.ts'

export { release } from './generated/descriptors.ts'

import type { MethodName } from './generated/messages.ts'
import { JsonStream, parseLenientJson, printJson } from './wire/json.ts'
import type { Call, Methods } from './wire/method.ts'

interface Description {
  readonly request: string
  readonly routes: readonly string[]
  readonly checks: Checks
}
const descriptions: Readonly<Record<MethodName, Description>> = described

export interface MethodRoute {
  readonly name: MethodName
  readonly method: string
  /** As Fastify writes it, such as `/api/3.0/mlflow/traces/:trace_id`. */
  readonly url: string
}

/** Programs use `/api`, the console `/ajax-api`. */
const prefixes = ['/api', '/ajax-api']

/** `2.0/mlflow/traces/{request_id}/info`, `2.0/mlflow-artifacts/artifacts/<path:artifact_path>` */
const urlOf = (path: string): string =>
  path
    .replaceAll('{assessment.trace_id}', ':trace_id')
    .replaceAll(/\{(?<name>\w+)\}/gv, ':$<name>')
    .replaceAll('<path:artifact_path>', '*')

/** Every route of the release's contract. */
export const contractRoutes: readonly MethodRoute[] = Object.entries(descriptions).flatMap(([name, { routes }]) =>
  routes.flatMap((route) => {
    const [method = '', path = ''] = route.split(' ')
    return prefixes.map((prefix) => ({ name: name as MethodName, method, url: `${prefix}/${urlOf(path)}` }))
  }),
)

export interface BoundMethod {
  readonly permission: Permission
  readonly handle: (call: Call<MethodName>) => Promise<unknown>
}
export type BoundMethods = Readonly<Partial<Record<MethodName, BoundMethod>>>

/** Methods with what they depend on. */
export function bind<Deps>(methods: Methods<Deps>, deps: Deps): BoundMethods {
  type Any = { permission: Permission; handle: (deps: Deps, call: Call<MethodName>) => Promise<unknown> }
  const entries = Object.entries(methods as Record<string, Any>).map(([name, { permission, handle }]) => [
    name,
    { permission, handle: (call: Call<MethodName>) => handle(deps, call) },
  ])
  return Object.fromEntries(entries) as BoundMethods
}

export function registerMethods(server: FastifyInstance, bound: BoundMethods): void {
  for (const { name, method, url } of contractRoutes) {
    const found = bound[name]
    if (!found) continue
    server.route({
      method: method as HTTPMethods,
      url,
      schema: { hide: true },
      config: { permission: found.permission },
      handler: async (http, reply) => {
        const answer = await found.handle(await readCall(name, http))
        const text = answer instanceof JsonStream ? await answer.begin() : printJson(answer)
        return reply.type('application/json').send(text)
      },
    })
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
async function readCall(name: MethodName, http: FastifyRequest): Promise<Call<MethodName>> {
  // What a client means for a workspace must not land in the one place that there is.
  if (http.headers['x-mlflow-workspace']) {
    const message = 'Workspace APIs are not available: workspaces are not enabled on this server'
    throw new MlflowError('FEATURE_DISABLED', message)
  }
  const { request: message, checks } = descriptions[name]
  const fields = fieldsOf(message)
  const hasQuery = http.method === 'GET' && Object.keys(http.query as object).length > 0
  const json = hasQuery ? readQuery(message, http.query as Query) : await readBody(http)
  // What the message does not have is not looked at, however deep.
  if (Object.entries(json).some(([key, value]) => fields.has(key) && isTooDeep(value))) throw nestedTooDeep()
  const twice = findTwiceNamed(message, json)
  if (twice !== undefined) {
    const both = `Request specifies both '${twice}' and '${jsonNameOf(twice)}'`
    throw invalidParameter(`${both}; provide only one of them.`)
  }
  const { parsed, failure } = attempt(message, json)
  check(checks, json, failure === undefined)
  if (failure) {
    throw invalidParameter(
      `Invalid value ${printJson(failure.value)} for parameter '${failure.field}' supplied: ${failure.message}.`,
    )
  }
  const sent = new Set(Object.keys(json).flatMap((key) => fields.get(key)?.name ?? []))
  const placed = Object.entries(http.params as Record<string, string>).filter(([key]) => fields.has(key))
  return {
    request: { ...parsed, ...Object.fromEntries(placed) },
    actor: actorOf(http),
    caller: callerOf(http),
    http,
    sent,
  }
}

function attempt(
  message: string,
  json: Record<string, unknown>,
): { parsed: Record<string, unknown>; failure?: FieldError } {
  try {
    return { parsed: parseMessage(message, json) }
  } catch (error) {
    if (error instanceof FieldError) return { parsed: {}, failure: error }
    throw error
  }
}

type Query = Readonly<Record<string, string | readonly string[]>>

/** Only the message's own names, each as often as it was given. @throws MlflowError for a boolean of another spelling */
function readQuery(message: string, query: Query): Record<string, unknown> {
  const json: Record<string, unknown> = {}
  for (const [key, { name, isRepeated, kind }] of fieldsOf(message)) {
    const given = key === name && Object.hasOwn(query, name) ? query[name] : undefined
    if (given === undefined) continue
    const first = typeof given === 'string' ? given : given[0]
    if (isRepeated) json[name] = typeof given === 'string' ? [given] : given
    else if (kind.is === 'scalar' && kind.type === 'bool') json[name] = readBoolean(first ?? '')
    else json[name] = first
  }
  return json
}

function readBoolean(text: string): boolean {
  const lower = text.toLowerCase()
  if (lower !== 'true' && lower !== 'false') {
    throw invalidParameter(`Invalid boolean value: ${text}, must be 'true' or 'false'.`)
  }
  return lower === 'true'
}

const bodyBytesMax = 64 * 1024 * 1024

/** @throws MlflowError INVALID_PARAMETER_VALUE */
async function readBody(http: FastifyRequest): Promise<Record<string, unknown>> {
  if (http.method === 'POST' || http.method === 'PUT') assertIsJson(http.headers['content-type'])
  const text = http.method === 'GET' ? await readGetBody(http) : ((http.body as string | undefined | null) ?? '')
  if (text.trim() === '') return {}
  const json = parseOrRefuse(text)
  // Clients of old encode twice.
  const decoded = typeof json === 'string' ? parseOrRefuse(json) : json
  if (decoded === null) return {}
  if (typeof decoded !== 'object' || Array.isArray(decoded)) {
    throw invalidParameter('The request body must be a JSON object.')
  }
  return decoded as Record<string, unknown>
}

function assertIsJson(contentType: string | undefined): void {
  if (contentType === undefined) throw invalidParameter('Bad Request. Content-Type header is missing.')
  if (contentType.split(';')[0] !== 'application/json') {
    throw invalidParameter("Bad Request. Content-Type must be one of ['application/json'].")
  }
}

function parseOrRefuse(text: string): unknown {
  try {
    return parseLenientJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw invalidParameter(`The request body is not JSON: ${error.message}`)
    // The stack is at its end.
    if (error instanceof RangeError) throw nestedTooDeep()
    throw error
  }
}

/** As many as protobuf's own reader of JSON takes. */
const depthMax = 100

const nestedTooDeep = (): MlflowError =>
  invalidParameter(`The request is nested too deeply: objects and lists may be within each other ${depthMax} times.`)

/** Level by level: what is nested without end has no place on a stack. */
function isTooDeep(json: unknown): boolean {
  let level = [json]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return true
    const inner: unknown[] = []
    for (const outer of level) {
      if (typeof outer !== 'object' || outer === null) continue
      for (const value of Object.values(outer)) if (typeof value === 'object' && value !== null) inner.push(value)
    }
    level = inner
  }
  return false
}

/** Clients of old send a GET's fields in its body, which Fastify does not read. */
async function readGetBody({ raw, headers }: FastifyRequest): Promise<string> {
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return ''
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > bodyBytesMax) {
      throw new MlflowError('INVALID_PARAMETER_VALUE', `A request body has at most ${bodyBytesMax} bytes.`, 413)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Bodies arrive as text: integers of 64 bits are lost in JavaScript's own reading of JSON. */
export function readBodiesAsText(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'string', bodyLimit: bodyBytesMax }, (_request, body, done) =>
    done(null, body),
  )
}
