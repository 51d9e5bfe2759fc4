// docs/reference/errors.md is held to the source both ways: each code is documented with its kind, and none that is gone. And links lead somewhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseSync } from 'oxc-parser'
import { expect, test } from 'vitest'
import { DomainError, type ErrorKind } from './platform/errors.ts'
import { createHttpServer } from './platform/http.ts'
import { createLog } from './platform/log.ts'
import { statusOf as gatewayStatusOf } from './serving/worker/http/http-answer.ts'

const root = import.meta.dirname
const documented = readFileSync(join(root, '../docs/reference/errors.md'), 'utf8')

/** Files that hand on the code of an error made elsewhere. */
const handingOn = [
  'serving/scoring/part-scorer.ts',
  'serving/scoring/scorer-pool.ts',
  'serving/worker/primary-calls.ts',
  'cli/pipeline/wait.ts',
  'cli/predict.ts',
  'client/http-client.ts',
  'tracing/otlp-reader.ts',
]

/** A node of the parser's tree: what is read of it is checked first. */
type Node = { readonly type: string; readonly start: number } & Readonly<Record<string, unknown>>
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'

interface Found {
  readonly code: string
  /** Empty where a code is recorded or shown, but not thrown as a `DomainError`. */
  readonly kinds: readonly string[]
  readonly file: string
}

function sources(directory = root): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory())
      return ['testing', 'generated'].includes(entry.name) ? [] : sources(join(directory, entry.name))
    return /^(?!testing).*(?<!\.test|\.conformance)\.ts$/v.test(entry.name) ? [join(directory, entry.name)] : []
  })
}

/** Every node with the functions around it, outermost first. */
function* nodesOf(value: unknown, around: readonly Node[] = []): Generator<{ node: Node; around: readonly Node[] }> {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesOf(item, around)
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (isNode(value)) yield { node: value, around }
  const within = isNode(value) && /Function|VariableDeclarator/v.test(value.type) ? [...around, value] : around
  for (const child of Object.values(value)) yield* nodesOf(child, within)
}

const nameOf = (node: unknown): string => (isNode(node) && typeof node['name'] === 'string' ? node['name'] : '')
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The texts that an expression may have: a literal, either side of a condition, a constant of the same file. */
function textsOf(expression: unknown, nodes: readonly { node: Node }[]): string[] {
  if (!isNode(expression)) return []
  if (expression.type === 'Literal') return typeof expression['value'] === 'string' ? [expression['value']] : []
  if (expression.type === 'ConditionalExpression')
    return [...textsOf(expression['consequent'], nodes), ...textsOf(expression['alternate'], nodes)]
  if (expression.type !== 'Identifier') return []
  return nodes
    .filter(({ node }) => node.type === 'VariableDeclarator' && nameOf(node['id']) === nameOf(expression))
    .flatMap(({ node }) => textsOf(node['init'], nodes))
}

/** The kind of an error whose code is known: makers choose it by `code === 'x' ? … : …`. */
function kindsFor(expression: unknown, code: string, nodes: readonly { node: Node }[]): string[] {
  if (!isNode(expression) || expression.type !== 'ConditionalExpression') return textsOf(expression, nodes)
  const condition = expression['test']
  const compared = isNode(condition) && condition['operator'] === '===' ? textsOf(condition['right'], nodes) : []
  if (compared.length !== 1) return textsOf(expression, nodes)
  return textsOf(expression[compared[0] === code ? 'consequent' : 'alternate'], nodes)
}

/** Codes given to a local maker, such as `invalid(code, message)`, by those who call it in the same file. */
function givenTo(maker: { parameter: string; around: readonly Node[] }, nodes: readonly { node: Node }[]): string[] {
  const owner = maker.around.findLast((node) => listOf(node['params']).some((one) => nameOf(one) === maker.parameter))
  const name = nameOf(owner?.['id']) || nameOf(maker.around.findLast((node) => node['init'] === owner)?.['id'])
  const at = listOf(owner?.['params']).findIndex((one) => nameOf(one) === maker.parameter)
  return nodes
    .filter(({ node }) => node.type === 'CallExpression' && name !== '' && nameOf(node['callee']) === name)
    .flatMap(({ node }) => textsOf(listOf(node['arguments'])[at], nodes))
}

/** @throws Error for a `DomainError` whose code cannot be read: make it a literal, or give it to a maker in the same file */
function codesOf(path: string): Found[] {
  const file = relative(root, path)
  const nodes = [...nodesOf(parseSync(path, readFileSync(path, 'utf8')).program)]
  return nodes.flatMap(({ node, around }): Found[] => {
    if (node.type === 'NewExpression' && nameOf(node['callee']) === 'DomainError') {
      const [kind, code] = listOf(node['arguments'])
      const direct = textsOf(code, nodes)
      const codes = direct.length > 0 ? direct : givenTo({ parameter: nameOf(code), around }, nodes)
      if (codes.length === 0 && !handingOn.includes(file)) throw new Error(`${file}: a code that cannot be read`)
      return codes.map((one) => ({ code: one, kinds: kindsFor(kind, one, nodes), file }))
    }
    if (node.type !== 'ObjectExpression') return []
    const properties = listOf(node['properties']).filter(isNode)
    const valueOf = (key: string): unknown => properties.find((one) => nameOf(one['key']) === key)?.['value']
    if (!valueOf('message') && !valueOf('title') && !valueOf('error')) return []
    // Zod's name of a check of ours, and MLflow's codes, which are in capitals.
    const codes = textsOf(valueOf('code'), nodes).filter((code) => code !== 'custom' && !/^[A-Z_]+$/v.test(code))
    return codes.map((code) => ({ code, kinds: [], file }))
  })
}

/** Rows of the tables: code, kinds, status. */
function documentedCodes(): { code: string; kinds: string[]; statuses: string[] }[] {
  const rows = documented.matchAll(/^\| `(?<code>[a-z_0-9]+)` \| (?<kinds>[^\|]*) \| (?<statuses>[^\|]*) \|/gmv)
  return [...rows].map(({ groups }) => ({
    code: groups?.['code'] ?? '',
    kinds: (groups?.['kinds'] ?? '').split(', ').filter((kind) => kind !== '-'),
    statuses: (groups?.['statuses'] ?? '').split(', ').filter((status) => status !== '-'),
  }))
}

const found = sources().flatMap(codesOf)
const kindsOf = new Map<string, Set<string>>()
for (const { code, kinds } of found) kindsOf.set(code, (kindsOf.get(code) ?? new Set()).union(new Set(kinds)))
const rows = documentedCodes()

test('every error code of the source is documented', () => {
  expect(kindsOf.size).toBeGreaterThan(150) // An empty walk must not pass.
  const known = new Set(rows.map((row) => row.code))
  const missing = found.filter(({ code }) => !known.has(code)).map(({ code, file }) => `${code} (${file})`)
  expect([...new Set(missing)]).toEqual([])
})

test('every documented error code is in the source, once, with its kinds', () => {
  expect(rows.filter((row) => !kindsOf.has(row.code)).map((row) => row.code)).toEqual([])
  const codes = rows.map((row) => row.code)
  expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([])
  const kindsFound = rows.map((row) => [row.code, [...(kindsOf.get(row.code) ?? [])].toSorted()])
  const kindsSaid = rows.map((row) => [row.code, row.kinds.toSorted()])
  expect(kindsSaid).toEqual(kindsFound)
})

test('the documented statuses are those that the servers answer with', async () => {
  const kinds: readonly ErrorKind[] = [
    'invalid',
    'unauthenticated',
    'forbidden',
    'not_found',
    'conflict',
    'too_large',
    'unavailable',
  ]
  const log = createLog({ level: 'error', format: 'text', clock: () => 0, write: () => undefined })
  const server = await createHttpServer({ log, ids: () => 'req_1', version: '0.0.0' })
  for (const kind of kinds) {
    server.get(`/${kind}`, () => {
      throw new DomainError(kind, 'any_code', 'as thrown')
    })
  }
  const statusOfKind = new Map<string, number>()
  for (const kind of kinds) statusOfKind.set(kind, (await server.inject(`/${kind}`)).statusCode)
  await server.close()

  const tableOfKinds = [...documented.matchAll(/^\| (?<kind>[a-z_]+) \| (?<status>\d{3}) \|/gmv)]
  expect(tableOfKinds.map(({ groups }) => [groups?.['kind'], Number(groups?.['status'])])).toEqual(
    kinds.map((kind) => [kind, statusOfKind.get(kind)]),
  )
  const inGateway = new Set(found.filter(({ file }) => file.startsWith('serving/')).map(({ code }) => code))
  for (const { code, kinds: said, statuses } of rows.filter((row) => row.kinds.length > 0)) {
    const known = kinds.filter((kind) => said.includes(kind))
    const statusIn = (kind: ErrorKind): number | undefined =>
      inGateway.has(code) ? gatewayStatusOf(new DomainError(kind, code, '')) : statusOfKind.get(kind)
    expect([code, statuses.toSorted()]).toEqual([code, known.map((kind) => String(statusIn(kind))).toSorted()])
  }
})

/** Headings as a link writes them: lower case, words joined by dashes. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (?<title>.*)$/gmv)].map(({ groups }) =>
    (groups?.['title'] ?? '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9 \-]/gv, '')
      .replaceAll(' ', '-'),
  )

test('links between the documents lead to a file and a heading that are there', () => {
  const top = join(root, '..')
  const pages = ['.', 'docs/guide', 'docs/reference', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(top, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(top, folder, name)),
  )
  expect(pages.length).toBeGreaterThan(15) // An empty walk must not pass.
  const broken = pages.flatMap((page) => {
    const links = readFileSync(page, 'utf8').matchAll(/\]\((?<path>[^:\)#]*)(?:#(?<anchor>[^\)]*))?\)/gv)
    return [...links].flatMap(({ groups }) => {
      const target = groups?.['path'] ? join(dirname(page), groups['path']) : page
      const anchor = groups?.['anchor']
      const isThere =
        existsSync(target) && (anchor === undefined || anchorsOf(readFileSync(target, 'utf8')).includes(anchor))
      return isThere ? [] : [`${relative(top, page)}: ${groups?.['path'] ?? ''}#${anchor ?? ''}`]
    })
  })
  expect(broken).toEqual([])
})
