// Where the traces of the gateway's requests go, and how many. Pure.

export interface TracingSettings {
  /** Takes OTLP over HTTP: the whole URL. */
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Of the requests without a caller's trace, from 0 to 1. */
  readonly share: number
  readonly serviceName: string
}
