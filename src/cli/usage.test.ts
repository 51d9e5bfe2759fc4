// A wrong command line, as one sentence; and that no command answers without its reason.
import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { commandUses } from './command-tree.ts'
import { createProgram } from './program.ts'
import { usageSentence } from './usage.ts'

async function refusal(...args: string[]): Promise<string> {
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return usageSentence(error)
    throw error
  }
  throw new Error('it was accepted')
}

test('an unknown command or option is named, with what may have been meant', async () => {
  expect(await refusal('statsu')).toBe(
    `unknown command 'statsu' (did you mean status?); "trueloop help" explains each command`,
  )
  expect(await refusal('data', 'lst')).toContain('(did you mean list?)')
  expect(await refusal('up', '--prot', '1')).toContain('(did you mean --port?)')
  expect(await refusal('predict')).toContain("missing required argument 'endpoint'")
})

test('what changes something that serves or decides cannot be called without a reason', async () => {
  const changing = [
    'model approve',
    'model reject',
    'model propose',
    'endpoint rollback',
    'endpoint start',
    'endpoint stop',
    'gateway restart',
    'gateway workers',
    'ab start',
    'ab stop',
    'loop trigger',
    'loop pause',
    'loop resume',
    'rollout start',
    'pipeline cancel',
  ]
  const withReason = commandUses(createProgram())
    .filter(({ flags }) => flags.includes('--reason'))
    .map(({ path }) => path)
  expect(withReason.toSorted()).toEqual(changing.toSorted())
  expect(await refusal('endpoint', 'rollback', 'churn')).toContain('--reason')
})
