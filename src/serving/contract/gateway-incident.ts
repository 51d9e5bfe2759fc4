// What a gateway tells of a version that hung, ended or did not load in a worker. Pure.
import { z } from 'zod'

export const GatewayIncident = z.strictObject({
  /** Made by the gateway: a repeated report is recorded once. */
  id: z.string().min(1).max(64),
  atMs: z.int(),
  /**
   * hung: its worker fell silent and was killed; died: its worker ended while it ran; killed: somebody else's SIGKILL ended its worker (the
   * system does that when memory runs out); load_failed: it could not be loaded.
   */
  kind: z.enum(['hung', 'died', 'killed', 'load_failed']),
  worker: z.string().max(128),
  /** What was running then; null: nothing was. */
  version: z.string().max(300).nullable(),
  /** The gateway has taken the version out. */
  isQuarantined: z.boolean(),
  detail: z.string().max(2_000),
})
export type GatewayIncident = Readonly<z.infer<typeof GatewayIncident>>
