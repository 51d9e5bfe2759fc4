// Answers that are given again: by version and by the rows as the model sees them, for a time, in bounded memory.
import { hash } from 'node:crypto'
import { clearBatch, createBatch, type Batch } from '../../models/batch.ts'
import type { Predictions } from '../../models/inference.ts'
import type { EndpointOptions } from '../endpoint-options.ts'
import { cacheBytesMax, cachedAnswerBytesMax } from '../contract/gateway-limits.ts'
import { appendRequest, type RequestColumns } from '../protocols/request-rows.ts'
import type { LoadedVersion } from './loaded-version.ts'
import { packRows } from './compute/packed-rows.ts'

type CacheOptions = NonNullable<EndpointOptions['cache']>

/** The rows of a request in a version's own form. */
export interface Asked {
  readonly key: string
  /** Until the next look; holds the rows from 0 on. */
  readonly batch: Batch
}

export interface AnswerCache {
  readonly options: CacheOptions
  /** @throws DomainError as models/rows.ts `appendColumns` */
  ask(version: LoadedVersion, columns: RequestColumns): Asked
  find(key: string): Predictions | undefined
  /** Keeps a copy of the request's rows. The oldest make room. */
  keep(key: string, answer: { predictions: Predictions; offset: number; rows: number }): void
}

interface Kept {
  readonly predictions: Predictions
  readonly expiresAtMs: number
}

/** Of a map's entry with its key, roughly. */
const entryBytes = 200

/** @param nowMs a clock that never goes back */
export function createAnswerCache(options: CacheOptions, nowMs: () => number): AnswerCache {
  /** In the order in which they were last used. */
  const entries = new Map<string, Kept>()
  const batches = new WeakMap<LoadedVersion, Batch>()
  let bytes = 0
  const drop = (key: string, { predictions }: Kept): void => {
    entries.delete(key)
    bytes -= bytesOf(predictions)
  }
  return {
    options,
    ask(version, columns) {
      let batch = batches.get(version)
      if (!batch) batches.set(version, (batch = createBatch(version.queue.signature)))
      clearBatch(batch)
      appendRequest(batch, columns)
      // The number of rows besides: without columns, none and two of them would be the same bytes.
      const key = `${version.version} ${version.digest} ${batch.rows} ${hash('sha256', packRows(batch), 'base64')}`
      return { key, batch }
    },
    find(key) {
      const found = entries.get(key)
      if (!found) return undefined
      if (found.expiresAtMs <= nowMs()) {
        drop(key, found)
        return undefined
      }
      entries.delete(key)
      entries.set(key, found)
      return found.predictions
    },
    keep(key, { predictions: { width, values }, offset, rows }) {
      const size = rows * width * values.BYTES_PER_ELEMENT + entryBytes
      if (size > cachedAnswerBytesMax) return
      const known = entries.get(key)
      if (known) drop(key, known)
      const own = { rows, width, values: values.slice(offset * width, (offset + rows) * width) }
      entries.set(key, { predictions: own, expiresAtMs: nowMs() + options.ttlMs })
      bytes += size
      for (const [oldest, entry] of entries) {
        if (entries.size <= options.entries && bytes <= cacheBytesMax) break
        drop(oldest, entry)
      }
    },
  }
}

const bytesOf = ({ values }: Predictions): number => values.byteLength + entryBytes
