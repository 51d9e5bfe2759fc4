// A dataset as MLflow's clients name it: by name, digest and source. Versions of this home's own datasets are such datasets too. Pure.
import { z } from 'zod'

/** The tag of an input that says what for: `training`, `evaluation`. The native API calls it the role. */
export const contextTag = 'mlflow.data.context'

/** The source type of a version of a dataset of this home; its source is `{"dataset":"flights","version":3}`. */
export const ownSourceType = 'trueloop'

/** A role where a client named none. */
export const plainRole = 'input'

export interface LoggedDataset {
  readonly name: string
  readonly digest: string
  readonly sourceType: string
  readonly source: string
  readonly schema: string | null
  readonly profile: string | null
}

export interface DatasetInput {
  readonly dataset: LoggedDataset
  readonly tags: Readonly<Record<string, string>>
}

/** As the native API shows it; the schema and the profile, up to 16 MB, are left out. */
export const RunDataset = z.strictObject({
  name: z.string(),
  digest: z.string(),
  sourceType: z.string(),
  source: z.string(),
  tags: z.record(z.string(), z.string()),
})
export type RunDataset = Readonly<z.infer<typeof RunDataset>>

/** `flights/3` as a dataset. Its digest is `v3`: with the name it tells versions apart, and a version never changes. */
export function datasetOfVersion(datasetVersion: string): LoggedDataset {
  const at = datasetVersion.lastIndexOf('/')
  const [dataset, version] = [datasetVersion.slice(0, at), Number(datasetVersion.slice(at + 1))]
  const source = JSON.stringify({ dataset, version })
  return { name: dataset, digest: `v${version}`, sourceType: ownSourceType, source, schema: null, profile: null }
}

const OwnSource = z.object({ dataset: z.string().min(1).max(250), version: z.int().positive().max(999_999_999) })

/** `flights/3` of a dataset whose source names that version; null of any other. */
export function versionOfDataset({ sourceType, source }: Pick<LoggedDataset, 'sourceType' | 'source'>): string | null {
  if (sourceType !== ownSourceType) return null
  const parsed = OwnSource.safeParse(jsonOf(source))
  return parsed.success ? `${parsed.data.dataset}/${parsed.data.version}` : null
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined // A source is any text.
  }
}
