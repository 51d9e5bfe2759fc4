// An arm: one version in one role behind one endpoint at one share of the traffic, on one UTC day of event time. All sums are kept by arm. Pure.
import type { VariantRole } from '../../serving/gateway-config.ts'
import type { ArmColumns } from '../tables.ts'

export const dayMsLength = 86_400_000

/** Start of the UTC day that holds the time. */
export const dayOf = (timeMs: number): number => Math.floor(timeMs / dayMsLength) * dayMsLength

export interface Arm {
  readonly endpoint: string
  /** `model/version`. */
  readonly version: string
  readonly role: VariantRole
  /** Share of the traffic that the split gave it, in parts per million; -1: unknown. */
  readonly weightPpm: number
  /** Start of the day. */
  readonly dayMs: number
}

export const unknownWeightPpm = -1

/** Shares are compared for equality, so they are kept as whole parts per million. */
export const weightPpmOf = (share: number | undefined): number =>
  share === undefined ? unknownWeightPpm : Math.round(share * 1_000_000)

/** A map key; the separator is in no name. */
export const armKey = ({ endpoint, version, role, weightPpm, dayMs }: Arm): string =>
  `${endpoint}\0${version}\0${role}\0${weightPpm}\0${dayMs}`

export const columnsOfArm = ({ weightPpm, dayMs, ...arm }: Arm): ArmColumns => ({
  ...arm,
  weight_ppm: weightPpm,
  day_ms: dayMs,
})

export const armOfColumns = ({ endpoint, version, role, weight_ppm: weightPpm, day_ms: dayMs }: ArmColumns): Arm => ({
  endpoint,
  version,
  role: role as VariantRole,
  weightPpm,
  dayMs,
})
