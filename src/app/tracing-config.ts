// Where the gateway's traces go: our settings, else those that every OpenTelemetry program has.
import type { TracingSettings } from '../serving/tracing-settings.ts'

/** What is sampled of requests without a caller's trace, where nobody says. */
const usualShare = 0.01

export interface TracingNames {
  readonly endpoint: string | undefined
  readonly headers: string | undefined
  readonly share: number | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/** The values of our settings, with OpenTelemetry's where ours are not set. Those stay with the gateway: steps may trace elsewhere. */
export function tracingNames(own: TracingNames, environment: Environment): TracingNames {
  const share = Number(environment['OTEL_TRACES_SAMPLER_ARG'] || Number.NaN)
  return {
    endpoint: own.endpoint ?? (environment['OTEL_EXPORTER_OTLP_ENDPOINT'] || undefined),
    headers: own.headers ?? (environment['OTEL_EXPORTER_OTLP_HEADERS'] || undefined),
    share: own.share ?? (share >= 0 && share <= 1 ? share : undefined),
  }
}

/** Undefined: nobody named a collector, or what names it is no URL of one. */
export function tracingSettings({ endpoint, headers, share = usualShare }: TracingNames): TracingSettings | undefined {
  const base = endpoint === undefined ? null : URL.parse(endpoint)
  if (base?.protocol !== 'http:' && base?.protocol !== 'https:') return undefined
  const url = new URL(`${base.pathname.replace(/\/$/v, '')}/v1/traces`, base)
  return { url, headers: headersOf(headers ?? ''), share, serviceName: 'trueloop-gateway' }
}

/** `name=value,name=value`, percent-encoded, as OpenTelemetry writes them. */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at < 1 ? [] : [[pair.slice(0, at).trim().toLowerCase(), decoded(pair.slice(at + 1).trim())] as const]
  })
  return Object.fromEntries(pairs)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
