// Loop files that end badly: nothing exported, no end, an early end. Each in a real child process.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluateLoopFile, type EvaluateFile } from './evaluate-file.ts'
import { loopTemplate } from './project-template.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trueloop-evaluate-slow-'))
  // What `npm init -y` makes, and no node_modules.
  await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }')
})
afterAll(() => rm(folder, { recursive: true }))

async function evaluate(name: string, text: string, options: Partial<EvaluateFile> = {}) {
  const path = join(folder, `${name}.ts`)
  await writeFile(path, text)
  return evaluateLoopFile({ path, ...options })
}

test.concurrent('a file without a default export, and one that exports something else, are told apart', async () => {
  await expect(evaluate('none', `export const a = 1`)).rejects.toMatchObject({
    code: 'loop_file_no_loop',
    message: /no default export.*export default loop/v,
  })
  await expect(evaluate('other', `export default { name: 'flights' }`)).rejects.toMatchObject({
    code: 'loop_file_no_loop',
    message: /is an object, not a loop/v,
  })
})

test.concurrent('an endless loop is killed at the limit', async () => {
  await expect(evaluate('endless', `while (true) {}`, { timeoutMs: 1500 })).rejects.toMatchObject({
    code: 'loop_file_timeout',
  })
})

test.concurrent('a file that ends its process, or waits for ever, is told so', async () => {
  await expect(evaluate('exits', `process.exit(3)`)).rejects.toMatchObject({
    code: 'loop_file_failed',
    message: /exit code 3/v,
  })
  await expect(evaluate('waits', `await new Promise(() => {})`)).rejects.toMatchObject({
    code: 'loop_file_failed',
    message: /top-level await/v,
  })
})

test.concurrent('the file sees no environment variable, and what it prints is passed on', async () => {
  let printed = ''
  const print = (text: string): void => void (printed += text)
  await evaluate('environment', `console.log(Object.keys(process.env).length)\n${loopTemplate}`, { print })
  expect(printed).toBe('0\n')
})

test.concurrent('a missing file is told with what to do', async () => {
  await expect(evaluateLoopFile({ path: join(folder, 'missing.ts') })).rejects.toMatchObject({
    code: 'loop_file_not_found',
    message: /trueloop init/v,
  })
})
