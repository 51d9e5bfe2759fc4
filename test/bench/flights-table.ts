// The flights of vega-datasets for the benchmarks: the whole file, or an even share of it for a smoke run. And the Python that they are put beside.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { ensureVenv, type Venv } from '../interop/venv.ts'

const root = join(import.meta.dirname, '..', '..')
const wholeFile = join(root, 'node_modules', 'vega-datasets', 'data', 'flights-3m.parquet')
const smokeShare = 100

export const referenceScript = join(import.meta.dirname, 'reference.py')
export const pythonPackages = ['evidently==0.7.23', 'pandas==2.3.3', 'pyarrow==26.0.1', 'scikit-learn==1.9.1']

export const benchVenv = (): Promise<Venv> => ensureVenv(pythonPackages)

export interface FlightsTable extends AsyncDisposable {
  readonly file: string
  /** A folder of its own, gone at the end. */
  readonly directory: string
}

/** Every row, or each hundredth of them. */
export async function openFlights(isSmoke: boolean): Promise<FlightsTable> {
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-bench-'))
  const file = isSmoke ? join(directory, 'flights.parquet') : wholeFile
  if (isSmoke) {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(
      `copy (select date, delay, distance, origin, destination from read_parquet('${wholeFile}', file_row_number = true)
       where file_row_number % ${smokeShare} = 0) to '${file}' (format parquet)`,
    )
    connection.closeSync()
    instance.closeSync()
  }
  return { file, directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}
