// The process that evaluates a loop file: imports it with `trueloop` mapped to our own entry, and prints its spec as JSON on descriptor 3.
import { closeSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { basename, extname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { EvaluationReport } from './evaluate-file.ts'

const reportDescriptor = 3
const loopBrand = Symbol.for('trueloop.loop')

// From source the entry is index.ts, in the built package index.js.
const ownDirectory = new URL('.', import.meta.url).href
const entryUrl = new URL(`index${extname(import.meta.filename)}`, import.meta.url).href

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === 'trueloop' ? { url: entryUrl, shortCircuit: true } : nextResolve(specifier, context),
  // A folder made by `npm init -y` says "type": "commonjs", where an import would be a syntax error.
  load: (url, context, nextLoad) => {
    const isUserFile = url.startsWith('file:') && !url.startsWith(ownDirectory) && !url.includes('/node_modules/')
    if (isUserFile && /\.ts(?:$|\?)/v.test(url)) return nextLoad(url, { ...context, format: 'module-typescript' })
    return nextLoad(url, context)
  },
})

function report(value: EvaluationReport): never {
  writeFileSync(reportDescriptor, JSON.stringify(value))
  closeSync(reportDescriptor)
  // What the file left open (timers, sockets) is not waited for.
  process.exit(0)
}

function failureOf(thrown: unknown): EvaluationReport {
  if (!(thrown instanceof Error)) return { ok: false, problem: 'threw', message: String(thrown) }
  const place = placeOf(thrown)
  return {
    ok: false,
    problem: thrown instanceof SyntaxError ? 'syntax' : 'threw',
    message: thrown.message,
    ...(place ? { place } : {}),
  }
}

/** The first line of the user's own files in a stack, such as `loop.ts:12:5`; a syntax error carries it at its head. */
function placeOf({ stack = '' }: Error): string | undefined {
  for (const { groups } of stack.matchAll(/(?<url>file:\/\/[^\s\(\)]+?):(?<place>\d+(?::\d+)?)(?=[\s\)]|$)/gv)) {
    const { url, place } = groups ?? {}
    if (url && place && !url.startsWith(ownDirectory)) return `${basename(fileURLToPath(url))}:${place}`
  }
  return undefined
}

const path = process.argv[2]
if (!path) throw new Error('usage: evaluate-file-process <loop file>')
try {
  // A user's file is a path that is known only now.
  const loaded = (await import(pathToFileURL(path).href)) as { default?: unknown }
  const spec = loaded.default
  if (spec === undefined) report({ ok: false, problem: 'no_default_export', message: 'it has no default export' })
  if (typeof spec !== 'object' || spec === null || !(loopBrand in spec)) {
    report({ ok: false, problem: 'not_a_loop', message: `its default export is ${describe(spec)}, not a loop` })
  }
  report({ ok: true, spec })
} catch (error) {
  report(failureOf(error))
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object'
  return `a ${typeof value}`
}
