// The gateway of a home: the primary of the processes that serve models. Ends in order on SIGTERM and SIGINT.
import { assertMayListen } from '../governance/hosts.ts'
import { systemClock } from '../platform/clock.ts'
import { createIds } from '../platform/ids.ts'
import { createLog, standardErrorWriter } from '../platform/log.ts'
import { startGatewayPrimary } from '../serving/gateway-primary.ts'
import { loadConfig, processEnvironment } from './config.ts'
import { entryFile } from './entries.ts'
import { findRuntime, loadSecrets, lockHome, removeRuntime, writeRuntime } from './home.ts'
import { startLogKeeper } from './log-keeper.ts'

const config = loadConfig(processEnvironment())
assertMayListen(config.host, false)
const log = createLog({
  level: config.logLevel,
  format: config.logFormat,
  clock: systemClock,
  write: standardErrorWriter(),
})
using _lock = lockHome(config.home, 'gateway')
const { gatewayToken: token } = loadSecrets(config.home)
const stop = new Promise<void>((resolve) => {
  process.once('SIGTERM', resolve)
  process.once('SIGINT', resolve)
})
const keeper = startLogKeeper(config, log)
const primary = await startGatewayPrimary({
  home: config.home,
  workerFile: entryFile('gateway-worker'),
  host: config.host,
  port: config.gatewayPort,
  grpcPort: config.gatewayGrpcPort,
  workers: config.gatewayWorkers,
  // Looked up at each call: a control plane that was started again may have another port.
  findControlPlane() {
    const url = config.url ?? findRuntime(config.home, 'server')?.url
    return url === undefined ? undefined : { url, token }
  },
  clock: systemClock,
  ids: createIds(),
  log,
  moreMetrics: () => keeper.snapshot,
})
const host = config.host.includes(':') ? `[${config.host}]` : config.host
void primary.port.then((port) => {
  const grpc = primary.grpcPort === null ? undefined : `${host}:${primary.grpcPort}`
  const url = `http://${host}:${port}`
  writeRuntime(config.home, 'gateway', { url, grpc })
  log.info('the gateway serves', { url, grpc, workers: config.gatewayWorkers })
})
await stop
keeper.stop()
await primary.stop()
removeRuntime(config.home, 'gateway')
