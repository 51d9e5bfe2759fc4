// Loop files as people write and break them, evaluated in real child processes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluateLoopFile } from './evaluate-file.ts'
import { loopTemplate } from './project-template.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trueloop-evaluate-'))
  // What `npm init -y` makes, and no node_modules.
  await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }')
})
afterAll(() => rm(folder, { recursive: true }))

async function evaluate(name: string, text: string) {
  const path = join(folder, `${name}.ts`)
  await writeFile(path, text)
  return evaluateLoopFile({ path })
}

test.concurrent('the template evaluates in a folder of CommonJS, and its files are found beside it', async () => {
  const spec = await evaluate('template', loopTemplate)
  expect(spec.dataset.source).toMatchObject({ kind: 'file', paths: [join(folder, 'data/events.csv')] })
})

test.concurrent('a syntax error is told with its line', async () => {
  const broken = evaluate('syntax', `import { loop } from 'trueloop'\nexport default loop({\n  name: 'a',,\n})\n`)
  await expect(broken).rejects.toMatchObject({ code: 'loop_file_syntax', message: /\(syntax\.ts:3\) is not valid/v })
})

test.concurrent('a wrong field is named, with the line that the loop begins on', async () => {
  const wrong = loopTemplate.replace(`holdout: '7d'`, `holdout: 'a week'`)
  await expect(evaluate('field', wrong)).rejects.toMatchObject({
    code: 'loop_file_failed',
    message: /\(field\.ts:\d+:\d+\) failed: the loop is not valid: training\.holdout: a duration such as "28d"/v,
  })
})
