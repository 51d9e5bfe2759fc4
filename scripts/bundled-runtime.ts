// Around `npm pack`: the published package carries onnxruntime-node inside, without the install script that fetches CUDA libraries from
// beyond the package registry (it fails where only the registry is reached), without the packages that only that script needs, and
// without the binaries of platforms that Trueloop does not run on. `strip` before packing, `restore` after.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..', 'node_modules', 'onnxruntime-node')
const manifest = join(folder, 'package.json')
const original = join(folder, 'package.json.original')

function strip(): void {
  if (existsSync(original)) renameSync(original, manifest)
  const text = readFileSync(manifest, 'utf8')
  const {
    scripts: _,
    devDependencies: __,
    dependencies,
    ...rest
  } = JSON.parse(text) as {
    scripts: unknown
    devDependencies: unknown
    dependencies: Record<string, string>
  }
  writeFileSync(original, text)
  const kept = {
    ...rest,
    dependencies: { 'onnxruntime-common': dependencies['onnxruntime-common'] },
    files: ['dist', 'bin/napi-v6/linux', 'bin/napi-v6/darwin'],
  }
  writeFileSync(manifest, `${JSON.stringify(kept, null, 2)}\n`)
}

const [verb] = process.argv.slice(2)
if (verb === 'strip') strip()
else if (verb === 'restore') {
  if (existsSync(original)) renameSync(original, manifest)
} else throw new Error(`bundled-runtime.ts strip|restore, not ${verb ?? 'nothing'}`)
