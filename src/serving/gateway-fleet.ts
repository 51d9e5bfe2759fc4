// How many workers the gateways of a home run, and how often they were asked to start them anew. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'

export const GatewayFleet = z.strictObject({
  /** Null: as many as the gateway's own setting says. */
  workers: z.int().min(1).nullable(),
  /** Rolling restarts asked for so far; a gateway replaces workers that were started at another count. */
  restarts: z.int().nonnegative(),
})
export type GatewayFleet = Readonly<z.infer<typeof GatewayFleet>>

export const firstFleet: GatewayFleet = { workers: null, restarts: 0 }

const workersPerCoreMax = 4
const workersMax = 256

/** More would only take turns on the cores, and each holds every model. */
export const workersMaxOf = (cores: number): number => Math.min(workersMax, workersPerCoreMax * cores)

/** @throws DomainError gateway_workers_invalid */
export function assertWorkers(workers: number | null, cores: number): void {
  const most = workersMaxOf(cores)
  if (workers === null || workers <= most) return
  const message = `a gateway on ${cores} cores runs 1 to ${most} workers (${workersPerCoreMax} a core), not ${workers}`
  throw new DomainError('invalid', 'gateway_workers_invalid', message)
}
