// What a worker and its compute process say to each other. Types alone.
import type { Signature } from '../../../models/signature.ts'

export type ComputeOrder =
  | { readonly kind: 'load'; readonly key: string; readonly path: string; readonly signature: Signature }
  /** `bytes`: packed-rows.ts. */
  | { readonly kind: 'run'; readonly key: string; readonly rows: number; readonly bytes: Uint8Array }
  | { readonly kind: 'release'; readonly key: string }

/** Worked off one after the other; each is answered once, under its id. */
export type ToCompute = ComputeOrder & { readonly id: number }

export type FromCompute = { readonly id: number } & (
  | { readonly kind: 'done' }
  | { readonly kind: 'ran'; readonly width: number; readonly values: Float32Array; readonly ms: number }
  | { readonly kind: 'failed'; readonly message: string }
)
