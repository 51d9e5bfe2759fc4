// trueloop audit: who changed what, newest first.
import { z } from 'zod'
import { limitOf, type ListOptions } from './arguments.ts'
import { connect, type Session } from './session.ts'
import { table } from './terminal.ts'
import { clip, timeText } from './text.ts'

const Events = z.array(
  z.object({
    id: z.string(),
    atMs: z.int(),
    actor: z.string(),
    action: z.string(),
    subject: z.string(),
    detail: z.unknown(),
  }),
)
const detailWidth = 100

export async function audit(
  session: Session,
  { subject, ...options }: ListOptions & { readonly subject?: string },
): Promise<void> {
  const events = await connect(session).call({
    path: '/audit',
    query: { limit: limitOf(options), subject },
    answer: Events,
  })
  session.terminal.show(events, renderAudit)
}

export const renderAudit = (events: z.infer<typeof Events>): string =>
  events.length === 0
    ? 'Nothing is on record.'
    : table(
        ['WHEN', 'WHO', 'DID', 'TO', 'DETAIL'],
        events.map(({ atMs, actor, action, subject, detail }) => [
          timeText(atMs),
          actor,
          action,
          subject,
          detailText(detail),
        ]),
      )

/** The reason where one was given: the rest is for `--json`. */
function detailText(detail: unknown): string {
  const reason = z.object({ reason: z.string() }).safeParse(detail)
  return clip(reason.success ? reason.data.reason : JSON.stringify(detail), detailWidth)
}
