// A review queue: traces that people are asked to answer questions about. Pure.
import { DomainError } from '../platform/errors.ts'

export interface ReviewQueue {
  /** `rq-` and 32 hexadecimal digits. */
  readonly id: string
  readonly experimentId: number
  /** Of one experiment no two are alike but for case. */
  readonly name: string
  /** `user`: one person's own, named after them, with all questions of the experiment. */
  readonly type: 'user' | 'custom'
  readonly createdBy: string | null
  readonly users: readonly string[]
  readonly schemaIds: readonly string[]
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export const reviewStatuses = ['pending', 'complete', 'declined'] as const
export type ReviewStatus = (typeof reviewStatuses)[number]

export interface ReviewItem {
  readonly queueId: string
  readonly traceId: string
  readonly status: ReviewStatus
  /** Who set the status that it has; null while it is pending. */
  readonly completedBy: string | null
  readonly completedAtMs: number | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

const limits = { name: 250, user: 250, new_owner: 250, schema_id: 36, item_id: 50 } as const
const usersMax = 10
/** Items of one call. */
export const itemsMax = 10_000
const reservedName = 'default'

export const reviewError = (message: string): DomainError => new DomainError('invalid', 'review_queue_invalid', message)

export const reviewQueueNotFound = (which: string | Pick<ReviewQueue, 'experimentId' | 'name'>): DomainError =>
  typeof which === 'string'
    ? new DomainError('not_found', 'review_queue_not_found', `Review queue with id '${which}' not found.`)
    : new DomainError(
        'not_found',
        'review_queue_not_found',
        `Review queue with name '${which.name}' not found for experiment '${which.experimentId}'.`,
      )

export const reviewQueueExists = (name: string): DomainError =>
  new DomainError(
    'conflict',
    'review_queue_exists',
    `Review queue with name '${name}' already exists (names are case-insensitive).`,
  )

export const reviewItemNotFound = (queueId: string, traceId: string): DomainError =>
  new DomainError(
    'not_found',
    'review_item_not_found',
    `Item '${traceId}' is not attached to review queue '${queueId}'.`,
  )

/** Without white space around it. @throws DomainError review_queue_invalid: it is empty or too long */
export function readField(field: keyof typeof limits, text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') throw reviewError(`\`${field}\` must be a non-empty string; got ''.`)
  if (trimmed.length <= limits[field]) return trimmed
  throw reviewError(`\`${field}\` must be at most ${limits[field]} characters; got ${trimmed.length}.`)
}

/** People are told apart whatever the case. */
export const userOf = (text: string): string => text.trim().toLowerCase()

/** @throws DomainError review_queue_invalid */
export function readUsers(users: readonly string[]): string[] {
  const read = [...new Set(users.map((user) => readField('user', userOf(user))))]
  if (read.length <= usersMax) return read
  throw reviewError(`A review queue can have at most ${usersMax} assigned users; got ${read.length}.`)
}

/** @throws DomainError review_queue_invalid */
export const readSchemaIds = (ids: readonly string[]): string[] => [
  ...new Set(ids.map((id) => readField('schema_id', id))),
]

/** @throws DomainError review_queue_invalid */
export function readItemIds(ids: readonly string[]): string[] {
  if (ids.length === 0) throw reviewError('`item_ids` must be a non-empty list; got [].')
  if (ids.length > itemsMax) throw reviewError(`\`item_ids\` may have ${itemsMax} entries; got ${ids.length}.`)
  return [...new Set(ids.map((id) => readField('item_id', id)))]
}

/** @throws DomainError review_queue_invalid */
export function readCustomName(name: string): string {
  const read = readField('name', name)
  if (read.toLowerCase() !== reservedName) return read
  throw reviewError(`\`${read}\` is a reserved queue name and cannot be used for a custom queue.`)
}

/** The name and the people of a new queue: a user queue has the one that it is named after. @throws DomainError review_queue_invalid */
export function readNewQueue({
  name,
  type,
  ...sent
}: Pick<ReviewQueue, 'name' | 'type' | 'users' | 'schemaIds'>): Pick<ReviewQueue, 'name' | 'users' | 'schemaIds'> {
  const users = readUsers(sent.users)
  const schemaIds = readSchemaIds(sent.schemaIds)
  if (type === 'custom') return { name: readCustomName(name), users, schemaIds }
  const user = readField('name', userOf(name))
  if (users.length > 0 && (users.length > 1 || users[0] !== user)) {
    const listed = users.map((each) => `'${each}'`).join(', ')
    throw reviewError(
      `A user queue must have exactly one assigned user equal to its name; got name='${user}' and users=[${listed}].`,
    )
  }
  if (schemaIds.length > 0) {
    throw reviewError(
      "A user queue cannot have explicitly-attached schemas; it resolves to all of the experiment's label schemas.",
    )
  }
  return { name: user, users: [user], schemaIds }
}

/** Who completed it, as it is stored. @throws DomainError review_queue_invalid */
export function readCompletedBy(status: ReviewStatus, completedBy: string | undefined): string | null {
  const user = completedBy === undefined ? undefined : userOf(completedBy)
  if (status === 'pending') {
    if (user === undefined) return null
    throw reviewError('`completed_by` must not be set when reopening an item to `pending`.')
  }
  if (!user) throw reviewError(`\`completed_by\` is required when setting status to \`${status}\`.`)
  if (user.length <= limits.user) return user
  throw reviewError(`\`completed_by\` must be at most ${limits.user} characters; got ${user.length}.`)
}
