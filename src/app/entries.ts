// Where the programs of this package are: TypeScript in a clone, JavaScript in an installed package.
import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

const extension = extname(import.meta.filename)

/** An entry file of `app/`, to be started with {@link process.execPath}. */
export const entryFile = (
  name: 'server' | 'gateway' | 'gateway-worker' | 'prediction-log' | 'step' | 'supervisor',
): string => join(import.meta.dirname, `${name}${extension}`)

const packageFolder = join(import.meta.dirname, extension === '.ts' ? '../..' : '../../..')

/**
 * How the control plane is started. Left alone, V8 lets a process that logs much grow to twice the memory before it collects: measured over a
 * million points logged and searches of 100,000 runs, its flags halve the resident memory for a sixth more processor time. The environment is
 * glibc's: an arena for each thread keeps what the thread once used. In a file, since `bin/` starts with it before anything is loaded.
 */
export const controlPlane = JSON.parse(readFileSync(join(packageFolder, 'bin', 'control-plane.json'), 'utf8')) as {
  readonly flags: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** package.json of this package. */
export const packageFile = join(packageFolder, 'package.json')

/** Of this package, such as `0.1.0`. */
export const packageVersion: string = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version
