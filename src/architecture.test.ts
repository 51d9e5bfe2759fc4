// The house rules as tests: imports point upstream, at public files only; the files the browser reaches stay pure; files stay small.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'
import { expect, test } from 'vitest'

const order = [
  'platform',
  'statistics',
  'governance',
  'data',
  'features',
  'pipelines',
  'artifacts',
  'experiments',
  'tracing',
  'labelling',
  'training',
  'models',
  'serving',
  'monitoring',
  'rollouts',
  'loop',
  'mlflow',
  'client',
  'app',
  'cli',
]
const root = import.meta.dirname

interface SourceFile {
  /** Relative to src/. */
  readonly path: string
  readonly text: string
  /** Static imports and re-exports, types included. */
  readonly imports: readonly string[]
}

function sourceFiles(directory = root): SourceFile[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return sourceFiles(path)
    return entry.name.endsWith('.ts') ? [readSource(path)] : []
  })
}

function readSource(path: string): SourceFile {
  const text = readFileSync(path, 'utf8')
  const { module } = parseSync(path, text)
  const exported = module.staticExports.flatMap((statement) =>
    statement.entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
  )
  const imported = module.staticImports.map((statement) => statement.moduleRequest.value)
  const dynamic = module.dynamicImports.map((expression) =>
    text.slice(expression.moduleRequest.start + 1, expression.moduleRequest.end - 1),
  )
  return { path: relative(root, path), text, imports: [...imported, ...exported, ...dynamic] }
}

const files = sourceFiles()

function violationsIn({ path, imports }: SourceFile): string[] {
  const from = path.split('/')[0] ?? ''
  return imports
    .filter((specifier) => specifier.startsWith('.'))
    .flatMap((specifier) => {
      const target = relative(root, resolve(root, dirname(path), specifier))
      const [to = '', ...rest] = target.split('/')
      if (target.startsWith('..')) return target.endsWith('package.json') ? [] : [`${path} leaves src/: ${specifier}`]
      if (to === from || !path.includes('/')) return []
      if (order.indexOf(to) > order.indexOf(from)) return [`${path} imports downstream: ${specifier}`]
      return rest.length > 1 ? [`${path} reaches into ${to}/: ${specifier}`] : []
    })
}

test('every folder of src/ has its place in the order', () => {
  const folders = readdirSync(root).filter((name) => statSync(join(root, name)).isDirectory())
  expect(folders.filter((name) => !order.includes(name))).toEqual([])
})

test('imports point upstream, at public files only', () => {
  expect(files.length).toBeGreaterThan(8) // An empty walk must not pass.
  expect(files.flatMap(violationsIn)).toEqual([])
})

test('whatever the client reaches imports Zod only', () => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const reached = new Set(
    files.filter((file) => file.path.startsWith('client/') && !file.path.includes('.test.')).map((file) => file.path),
  )
  const impure: string[] = []
  for (const path of reached) {
    for (const specifier of byPath.get(path)?.imports ?? []) {
      if (specifier.startsWith('.')) reached.add(relative(root, resolve(root, dirname(path), specifier)))
      else if (specifier !== 'zod') impure.push(`${path} imports ${specifier}`)
    }
  }
  expect(impure).toEqual([])
})

test('a file has one noun and at most 400 lines, and begins by saying what it is', () => {
  const written = files.filter((file) => !file.path.includes('/generated/'))
  expect(written.filter((file) => file.text.split('\n').length > 401).map((file) => file.path)).toEqual([])
  expect(written.filter((file) => !/^(?:#!.*\n)?\/\/ /v.test(file.text)).map((file) => file.path)).toEqual([])
})

test('no folder hides behind a name that says nothing', () => {
  const banned = /(?:^|\/)(?:utils|helpers|common|services|types)(?:\/|\.ts$)/v
  expect(files.map((file) => file.path).filter((path) => banned.test(path))).toEqual([])
})
