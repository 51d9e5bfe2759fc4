// The reference of commands, exit codes and settings, held to the program both ways.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../app/config.ts'
import { MlflowEnvironment } from '../app/mlflow-config.ts'
import { commandUses } from './command-tree.ts'
import { exitCodeLines } from './help.ts'
import { createProgram } from './program.ts'

const reference = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../docs/reference', name), 'utf8')

/** The cells of every table row whose first cell matches. */
function rowsOf(text: string, first: RegExp): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([cell = '']) => first.test(cell))
}

test('cli.md has every command with its arguments, its sentence and its options, and none that does not exist', () => {
  const documented = rowsOf(reference('cli.md'), /^`trueloop /v)
  const there = commandUses(createProgram()).map(({ use, description, flags }) => [
    `\`trueloop ${use}\``,
    description,
    flags.map((flag) => `\`${flag}\``).join(' '),
  ])
  expect(there.length).toBeGreaterThan(40)
  expect(documented).toEqual(there)
})

test('cli.md has every exit code and what it means', () => {
  const documented = rowsOf(reference('cli.md'), /^\d+$/v)
  expect(documented).toEqual(exitCodeLines().map(([code, meaning]) => [String(code), meaning]))
})

const settingRow = /^`(?:TRUELOOP|MLFLOW|AWS)_/v

test('settings.md has every setting, and none that does not exist', () => {
  const documented = rowsOf(reference('settings.md'), settingRow).map(([name = '']) => name.slice(1, -1))
  expect(documented.toSorted()).toEqual([...settingNames(), ...Object.keys(MlflowEnvironment.shape)].toSorted())
})

test('a default that settings.md gives as a value is the one that holds', () => {
  const rows = rowsOf(reference('settings.md'), settingRow)
  const given = rows.flatMap(([name = '', value = '']) =>
    /^`[^`]+`$/v.test(value) ? [[name.slice(1, -1), value.slice(1, -1)]] : [],
  )
  expect(given.length).toBeGreaterThan(6)
  // Saying a default aloud changes nothing.
  expect(loadConfig(Object.fromEntries(given))).toEqual(loadConfig({}))
})

/** As the error about an unknown setting lists them. */
function settingNames(): string[] {
  try {
    loadConfig({ TRUELOOP_NOT_A_SETTING: '' })
  } catch (error) {
    return (
      String(error)
        .match(/TRUELOOP_[A-Z_]+/gv)
        ?.filter((name) => name !== 'TRUELOOP_NOT_A_SETTING') ?? []
    )
  }
  throw new Error('an unknown setting was accepted')
}

test('every command that the guides and the other references call exists', () => {
  const known = new Set(
    createProgram().commands.flatMap((command) => [
      command.name(),
      ...command.commands.map((verb) => `${command.name()} ${verb.name()}`),
    ]),
  )
  const nouns = new Set(
    createProgram().commands.flatMap((command) => (command.commands.length > 0 ? [command.name()] : [])),
  )
  const root = join(import.meta.dirname, '../..')
  const files = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  )
  const called = ['README.md', ...files.map((name) => join('docs', name))].flatMap((file) =>
    // In code only: `trueloop plan`, or a line of a block that begins with it.
    [
      ...readFileSync(join(root, file), 'utf8').matchAll(
        /(?:`|^ {4,}|^\s*)(?:npx )?trueloop (?<words>[a-z]+(?: [a-z]+)?)/gmv,
      ),
    ].map(({ groups }) => ({ file, words: groups?.['words'] ?? '' })),
  )
  expect(called.length).toBeGreaterThan(40)
  const wrong = called.filter(({ words }) => {
    const [first = '', second = ''] = words.split(' ')
    return !known.has(first) || (nouns.has(first) && second !== '' && !known.has(`${first} ${second}`))
  })
  expect(wrong).toEqual([])
})
