// A process that serves models: started by the gateway's primary, never by hand.
import { randomFillSync } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { permissions, type Caller } from '../governance/access.ts'
import { monotonicMs, systemClock } from '../platform/clock.ts'
import { DomainError } from '../platform/errors.ts'
import { createIds } from '../platform/ids.ts'
import { createLog, standardErrorWriter } from '../platform/log.ts'
import { runGatewayWorker } from '../serving/gateway-worker-process.ts'
import { loadConfig, processEnvironment } from './config.ts'
import { packageVersion } from './entries.ts'
import { tracingSettings } from './tracing-config.ts'

const config = loadConfig(processEnvironment())
const log = createLog({
  level: config.logLevel,
  format: config.logFormat,
  clock: systemClock,
  write: standardErrorWriter(),
})
const owner: Caller = {
  actor: { name: 'owner', clock: systemClock, ids: createIds() },
  permissions: new Set(
    permissions.filter((permission) => permission !== 'step.report' && permission !== 'gateway.report'),
  ),
}

/** Whoever reaches a loopback address is the owner, as on the control plane; there is no token that a gateway would know. */
function identify(request: Pick<IncomingMessage, 'headers'>): Caller {
  if (request.headers.authorization === undefined) return owner
  throw new DomainError(
    'unauthenticated',
    'token_unknown',
    'the gateway knows no tokens yet: leave the Authorization header out',
  )
}

runGatewayWorker({
  home: config.home,
  clock: systemClock,
  nowMs: monotonicMs,
  fillRandom: randomFillSync,
  log,
  version: packageVersion,
  hosts: config.allowedHosts,
  identify,
  rootEndpoint: config.gatewayRootEndpoint,
  tracing: tracingSettings(config.tracing),
  allowedAddresses: config.allowedAddresses,
})
