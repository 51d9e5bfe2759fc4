// The machine and the versions that a benchmark ran on, in general words.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { pythonPackages } from './flights-table.ts'

const root = join(import.meta.dirname, '..', '..')
const gigabyte = 1024 ** 3

export function machineText(): string {
  const model = cpus()[0]?.model.trim() ?? 'an unnamed processor'
  return `${availableParallelism()} cores of ${model}, ${(totalmem() / gigabyte).toFixed(0)} GB of memory, ${process.platform} ${process.arch}`
}

export function versionsText(): string {
  const require = createRequire(join(root, 'package.json'))
  const versionOf = (name: string): string => {
    const file = join(require.resolve.paths(name)![0]!, name, 'package.json')
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  }
  const packages = ['@duckdb/node-api', 'onnxruntime-node'].map((name) => `${name} ${versionOf(name)}`)
  return [`Node ${process.versions.node}`, ...packages, ...pythonPackages.map((pin) => pin.replace('==', ' '))].join(
    ', ',
  )
}
