// The routes of Triton's extensions to the Open Inference Protocol, but for those that change how a tensor is sent.
import { DomainError } from '../../../platform/errors.ts'
import { modelConfig } from '../../protocols/open-inference-metadata.ts'
import {
  indexEntry,
  readIndexRequest,
  readRepositoryChange,
  type IndexEntry,
} from '../../protocols/open-inference-repository.ts'
import { modelStatistics, type ModelStatistics } from '../../protocols/open-inference-statistics.ts'
import { problemOf, type EndpointRuntime, type VariantRuntime } from '../endpoint-runtime.ts'
import { endpointOf, variantOf, type HandlerDeps } from '../exchange.ts'
import { json, type Reply } from './http-answer.ts'
import type { RouteHandlers, RouteRequest } from './http-server.ts'
import { readBody } from './request-body.ts'

type Routes = 'model_config' | 'statistics' | 'repository_index' | 'model_load' | 'model_unload' | 'unsupported'

export function openInferenceExtensions(deps: HandlerDeps): Pick<RouteHandlers, Routes> {
  return {
    model_config({ match, reply }) {
      const endpoint = endpointOf(deps.serving, match.endpoint)
      reply(json(modelConfigOf(endpoint, variantOf(endpoint, match.version))))
    },
    statistics({ match, ...answer }) {
      const name = match.endpoint === '' ? undefined : match.endpoint
      answerLater(answer, async () => json({ model_stats: await statisticsOf(deps, name, match.version) }))
    },
    repository_index: ({ request, ...answer }) =>
      readBody(request, (body) => {
        answerLater(answer, async () => {
          if (body instanceof DomainError) throw body
          return json(repositoryIndex(deps, readIndexRequest(body)))
        })
      }),
    model_load: (request) => change(deps, request, false),
    model_unload: (request) => change(deps, request, true),
    unsupported({ match, reply }) {
      const message = `this gateway has no ${unsupportedOf(match.route.pattern)}`
      reply(new DomainError('invalid', 'extension_unsupported', message))
    },
  }
}

/** What is missing, and what there is in its place. */
function unsupportedOf(pattern: string): string {
  if (pattern.includes('sharedmemory')) return 'shared memory: send tensors in the body, as JSON or raw bytes'
  if (pattern.includes('trace')) return 'trace settings: traces are set up where the gateway is started'
  return 'log settings: logging is set up where the gateway is started'
}

const modelConfigOf = ({ name, config: { queueRowsMax, options } }: EndpointRuntime, { variant }: VariantRuntime) =>
  modelConfig({ name, queueRowsMax, timeoutMs: options.timeoutMs }, variant.signature)

/** Of one endpoint or of all, of one version or of all behind it. @throws DomainError endpoint_not_served, version_not_served */
export async function statisticsOf(
  { serving, statisticsOfAll }: Pick<HandlerDeps, 'serving' | 'statisticsOfAll'>,
  name: string | undefined,
  version: string | undefined,
): Promise<ModelStatistics[]> {
  const endpoints = name === undefined ? [...serving.endpoints.values()] : [endpointOf(serving, name)]
  const asked = endpoints.flatMap((endpoint) => {
    const variants = version === undefined ? endpoint.variants : [variantOf(endpoint, version)]
    return variants.map(({ variant }) => ({ endpoint: endpoint.name, version: variant.version }))
  })
  return modelStatistics(asked, await statisticsOfAll())
}

/** Every version behind every endpoint, or those that answer. */
export function repositoryIndex({ serving }: Pick<HandlerDeps, 'serving'>, isReadyOnly: boolean): IndexEntry[] {
  const entries = [...serving.endpoints.values()].flatMap((endpoint) => {
    const { name, config, variants } = endpoint
    if (variants.length === 0)
      return [indexEntry({ endpoint: name, version: undefined, problem: config.stopped ?? 'it has no version' })]
    return variants.map((runtime) => {
      const { version } = runtime.variant
      return indexEntry({ endpoint: name, version, problem: problemOf(endpoint, runtime) })
    })
  })
  return isReadyOnly ? entries.filter(({ state }) => state === 'READY') : entries
}

function change(deps: HandlerDeps, { match, request, ...answer }: RouteRequest, isUnloaded: boolean): void {
  readBody(request, (body) => {
    answerLater(answer, async () => {
      if (body instanceof DomainError) throw body
      readRepositoryChange(body)
      await deps.changeRepository({ endpoint: match.endpoint, isUnloaded })
      return { status: 200, body: '' }
    })
  })
}

/** For routes that are asked seldom: what is thrown is the answer. */
function answerLater({ reply, fail }: Pick<RouteRequest, 'reply' | 'fail'>, work: () => Promise<Reply>): void {
  work().then(reply, fail)
}
