// What one says to have a source read into a dataset: where its rows are and how to read them. Pure, so web/ and client/ import it too.
import { z } from 'zod'
import { Expectation } from './expectation.ts'
import { Schema, Source } from './source.ts'

const keyColumnsMax = 16
const column = z.string().min(1).max(256)

/** Who asks need not stand where the rows are read. */
const ReadSource = Source.refine(
  (source) => source.kind !== 'file' || source.paths.every((path) => path.startsWith('/')),
  'a path must be absolute: it is read where the control plane runs',
)

export const IngestRequest = z.strictObject({
  source: ReadSource,
  schema: Schema.prefault({}),
  /** Null: none. Absent: that of the newest version. */
  timeColumn: column.nullable().optional(),
  /** What names a row; empty: nothing. Absent: that of the newest version. */
  keyColumns: z.array(column).max(keyColumnsMax).optional(),
  /** `replace`: the source is the whole dataset. `append`: its rows are added to those of the newest version. */
  mode: z.enum(['replace', 'append']).default('replace'),
  expectations: z.array(Expectation).max(1000).default([]),
})
export type IngestRequest = Readonly<z.infer<typeof IngestRequest>>
export type IngestRequestInput = z.input<typeof IngestRequest>
