// Tracing of one worker: requests become spans, spans go to the collector that the settings name. Nothing without one.
import type { Clock } from '../../platform/clock.ts'
import type { Log } from '../../platform/log.ts'
import type { Metrics } from '../gateway-metrics.ts'
import type { TracingSettings } from '../tracing-settings.ts'
import { createRequestTracer, type RequestTracer } from './request-tracer.ts'
import { createSpanExporter, type SpanExporter } from './span-exporter.ts'

export interface WorkerTracing {
  readonly tracer: RequestTracer
  readonly exporter: SpanExporter
}

export function createWorkerTracing(
  deps: { clock: Clock; fillRandom: (bytes: Uint8Array) => void; log: Log; metrics: Metrics },
  who: { worker: string; version: string },
  settings: TracingSettings | undefined,
): WorkerTracing | undefined {
  if (!settings) return undefined
  const { url, headers, share, serviceName } = settings
  const exporter = createSpanExporter({
    url,
    headers,
    resource: { serviceName, serviceVersion: who.version, instance: who.worker },
    count: (outcome, spans) => deps.metrics.add('trueloop_spans_total', `outcome="${outcome}"`, spans),
    log: deps.log,
  })
  const randomHex = (bytes: number): string => {
    const random = Buffer.alloc(bytes)
    deps.fillRandom(random)
    return random.toString('hex')
  }
  return {
    exporter,
    tracer: createRequestTracer({ share, clock: deps.clock, randomHex, add: (span) => exporter.add(span) }),
  }
}
