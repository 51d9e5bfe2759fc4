// A logged model: what training code saves as a model, before anybody registers it. Pure, so web/ and client/ import it too.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { WireNumber, wireOfNumber } from './metric.ts'

/** `pending` while its files are uploaded; `unspecified` only where an MLflow client has said so. */
export const LoggedModelState = z.enum(['unspecified', 'pending', 'ready', 'upload_failed'])
export type LoggedModelState = z.infer<typeof LoggedModelState>

/** Of one call. */
export const loggedModelTextsMax = 1000
const nameLength = 500
const keyLength = 255
const valueLength = 250_000

/** A point that a run measured of the model. Steps and times are the client's: any int64. */
export interface LoggedModelMetric {
  readonly key: string
  readonly step: number | bigint
  readonly atMs: number | bigint
  readonly value: number
  readonly runId: string
  readonly datasetName: string | null
  readonly datasetDigest: string | null
}

const Texts = z.record(z.string(), z.string())

/** A model without its points. */
export const LoggedModelSummary = z.strictObject({
  /** `m-` and 32 hexadecimal digits. */
  id: z.string(),
  experimentId: z.int().nonnegative(),
  name: z.string(),
  state: LoggedModelState,
  /** Where its files are: below the artifact location of the experiment. */
  artifactUri: z.string(),
  /** A word of the client's, such as `agent`. */
  modelType: z.string().nullable(),
  /** The run that made it, as the client says; a model may come without one. */
  sourceRunId: z.string().nullable(),
  params: Texts,
  tags: Texts,
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
  /** Set while it is deleted: it is left out of searches, and its files stay until they are collected. */
  deletedAtMs: z.int().nullable(),
})
export type LoggedModelSummary = Readonly<z.infer<typeof LoggedModelSummary>>
export interface LoggedModel extends LoggedModelSummary {
  readonly metrics: readonly LoggedModelMetric[]
}

const WireMetric = z.strictObject({
  key: z.string(),
  step: z.number(),
  atMs: z.number(),
  value: WireNumber,
  runId: z.string(),
  datasetName: z.string().nullable(),
  datasetDigest: z.string().nullable(),
})

/** As JSON carries it: numbers that JSON does not have are text, and steps beyond 2^53 lose their last digits. */
export const WireLoggedModel = LoggedModelSummary.extend({ metrics: z.array(WireMetric) })
export const wireOfLoggedModel = (model: LoggedModel): z.infer<typeof WireLoggedModel> => ({
  ...model,
  metrics: model.metrics.map((metric) => ({
    ...metric,
    step: Number(metric.step),
    atMs: Number(metric.atMs),
    value: wireOfNumber(metric.value),
  })),
})

export const loggedModelNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'logged_model_not_found', `there is no logged model "${id}"`, { id })

export const loggedModelTagNotFound = (id: string, key: string): DomainError =>
  new DomainError('not_found', 'logged_model_tag_not_found', `logged model "${id}" has no tag "${key}"`, { id, key })

const forbidden = ['/', ':', '.', '%', '"', "'"]

/** @throws DomainError logged_model_name: it would not go into a `models:/…` address; logged_model_text: it is too long. */
export function assertLoggedModelName(name: string): void {
  if (name.length > nameLength) {
    const message = `the name of a logged model has at most ${nameLength} characters, not ${name.length}`
    throw new DomainError('invalid', 'logged_model_text', message)
  }
  if (name !== '' && !forbidden.some((each) => name.includes(each))) return
  const message = `"${name.slice(0, 60)}" cannot name a logged model: write some characters without ${forbidden.join(' ')}`
  throw new DomainError('invalid', 'logged_model_name', message, { name })
}

/** Params or tags as a client lists them. */
export type KeyValues = readonly { readonly key: string; readonly value: string }[]

/** @throws DomainError logged_model_text: too many, or too long. */
export function assertLoggedModelTexts(what: 'param' | 'tag', texts: KeyValues): void {
  const refuse = (message: string): never => {
    throw new DomainError('invalid', 'logged_model_text', message)
  }
  if (texts.length > loggedModelTextsMax) {
    refuse(`${texts.length} ${what}s: send at most ${loggedModelTextsMax} at once`)
  }
  for (const { key, value } of texts) {
    if (key.length > keyLength) {
      refuse(`the key "${key.slice(0, 60)}…" of a ${what} has more than ${keyLength} characters`)
    }
    if (value.length > valueLength) refuse(`the value of the ${what} "${key}" has more than ${valueLength} characters`)
  }
}

/** @throws DomainError logged_model_key_twice: each key is set once; `taken` are those that are set already. */
export function assertKeysFresh(what: 'param' | 'tag', texts: KeyValues, taken: ReadonlySet<string>): void {
  const seen = new Set(taken)
  for (const { key } of texts) {
    if (seen.has(key)) {
      const message = `the ${what} "${key}" is set already, or twice in one call: a logged model takes each key once`
      throw new DomainError('conflict', 'logged_model_key_twice', message, { key })
    }
    seen.add(key)
  }
}
