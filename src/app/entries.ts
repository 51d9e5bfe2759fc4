// Where the programs of this package are: TypeScript in a clone, JavaScript in an installed package.
import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

const extension = extname(import.meta.filename)

/** An entry file of `app/`, to be started with {@link process.execPath}. */
export const entryFile = (
  name: 'server' | 'gateway' | 'gateway-worker' | 'prediction-log' | 'step' | 'supervisor',
): string => join(import.meta.dirname, `${name}${extension}`)

/** package.json of this package. */
export const packageFile = join(
  import.meta.dirname,
  extension === '.ts' ? '../../package.json' : '../../../package.json',
)

/** Of this package, such as `0.1.0`. */
export const packageVersion: string = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version
