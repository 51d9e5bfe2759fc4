// A request as its handlers see it, whoever read it.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

export interface GatewayRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  /** The IP address of the other end; empty once it is gone. */
  readonly callerAddress: string
  /** Whole where it came with its head; else still to be read. */
  readonly body: Buffer | IncomingMessage
}

export const requestOfNode = (body: IncomingMessage): GatewayRequest => ({
  method: body.method ?? 'GET',
  target: body.url ?? '/',
  headers: body.headers,
  callerAddress: body.socket.remoteAddress ?? '',
  body,
})
