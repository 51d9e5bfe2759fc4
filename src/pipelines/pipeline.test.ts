// Pipelines as data: what is refused and why, and how references are replaced.
import { expect, test } from 'vitest'
import { canonicalJson, fingerprintOf } from './fingerprint.ts'
import { checkPipeline, needsOf, PipelineSpec, resolveInput, type Json, type PipelineSpecInput } from './pipeline.ts'

const parse = (steps: PipelineSpecInput['steps']): PipelineSpec => {
  const spec = PipelineSpec.parse({ name: 'p', steps })
  checkPipeline(spec)
  return spec
}

test('a step waits for what it refers to and for what it says it needs', () => {
  const { steps } = parse([
    { name: 'a', kind: 'k' },
    { name: 'b', kind: 'k', input: { x: [{ deep: { $from: 'a', path: 'y.0' } }] } },
    { name: 'c', kind: 'k', input: { x: { $from: 'b' } }, needs: ['a', 'b'] },
  ])
  expect(steps.map(needsOf)).toEqual([[], ['a'], ['a', 'b']])
})

test.each([
  [
    [
      { name: 'a', kind: 'k' },
      { name: 'a', kind: 'k' },
    ],
    'two steps are named "a"',
  ],
  [[{ name: 'a', kind: 'k', needs: ['z'] }], 'step "a" needs "z", which is no step of it (a)'],
  [[{ name: 'a', kind: 'k', input: { $from: 'a' } }], 'in a circle: a -> a'],
  [
    [
      { name: 'a', kind: 'k' },
      { name: 'b', kind: 'k', needs: ['d', 'a'] },
      { name: 'c', kind: 'k', needs: ['b'] },
      { name: 'd', kind: 'k', input: [{ $from: 'c' }] },
    ],
    'in a circle: b -> d -> c -> b',
  ],
  [[{ name: 'a', kind: 'k', input: { $from: 'a', pth: 'x' } }], 'is no reference'],
])('a pipeline that cannot run is refused with the reason (%#)', (steps, message) => {
  expect(() => parse(steps)).toThrow(message)
})

test('input nested ten thousand deep is refused and nothing overflows', () => {
  let input: Json = 1
  for (let i = 0; i < 10_000; i++) input = [input]
  expect(() => parse([{ name: 'a', kind: 'k', input }])).toThrow('JSON of at most 64 levels')
})

test('references are replaced by the outputs they name, and a path that is not there is an error that says what is', () => {
  const outputs = new Map<string, Json>([['a', { rows: [1, { n: null }], text: 'x' }]])
  const input = { all: { $from: 'a' }, one: [{ $from: 'a', path: 'rows.1.n' }], literal: 5 }
  expect(resolveInput(input, outputs)).toEqual({ all: outputs.get('a'), one: [null], literal: 5 })
  expect(() => resolveInput({ $from: 'a', path: 'rows.7' }, outputs)).toThrow('nothing at "rows.7": it has rows, text')
  expect(() => resolveInput({ $from: 'a', path: 'constructor' }, outputs)).toThrow('nothing at "constructor"')
})

test('canonical JSON follows RFC 8785', () => {
  // The RFC's own example of sorting, section 3.2.3.
  const unsorted = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  const values = [...canonicalJson(unsorted).matchAll(/:(?<value>\d)/gv)].map((match) => Number(match[1]))
  expect(values).toEqual([2, 4, 6, 7, 1, 5, 3])
  expect(canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
    '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
  )
  expect(() => canonicalJson(Number.NaN)).toThrow('JSON has no NaN')
})

test('the fingerprint changes with the work and with nothing else', () => {
  const work = { kind: 'k', version: 1, input: { a: 1, b: 2 }, environmentDigest: 'e' }
  const same = fingerprintOf({ ...work, input: { b: 2, a: 1 } })
  expect(fingerprintOf(work)).toBe(same)
  const others = [{ kind: 'l' }, { version: 2 }, { input: { a: 1 } }, { environmentDigest: 'f' }]
  for (const other of others) expect(fingerprintOf({ ...work, ...other })).not.toBe(same)
})
