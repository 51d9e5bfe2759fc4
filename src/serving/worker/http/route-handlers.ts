// What each route of the gateway does, protocol by protocol.
import { DomainError } from '../../../platform/errors.ts'
import type { HandlerDeps } from '../exchange.ts'
import { json } from './http-answer.ts'
import type { RouteHandlers } from './http-server.ts'
import { mlflowHandlers } from './mlflow-handlers.ts'
import { openInferenceHandlers } from './open-inference-handlers.ts'
import { v1Handlers } from './v1-handlers.ts'

export const createRouteHandlers = (deps: HandlerDeps): RouteHandlers => ({
  ...openInferenceHandlers(deps),
  ...mlflowHandlers(deps),
  ...v1Handlers(deps),
  ...systemHandlers(deps),
})

function systemHandlers(deps: HandlerDeps): Pick<RouteHandlers, 'health' | 'metrics'> {
  const isReady = (): boolean => deps.serving.generation >= 0 && !deps.isLeaving()
  return {
    health: ({ reply }) =>
      reply(json({ ready: isReady(), generation: deps.serving.generation }, isReady() ? 200 : 503)),
    metrics({ reply }) {
      deps.metricsText().then(
        (body) => reply({ status: 200, body, contentType: 'text/plain; version=0.0.4; charset=utf-8' }),
        () =>
          reply(
            new DomainError(
              'unavailable',
              'metrics_unavailable',
              'the gateway did not gather its metrics in time: try again',
            ),
          ),
      )
    },
  }
}
