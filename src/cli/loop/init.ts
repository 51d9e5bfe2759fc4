// trueloop init: a project's first loop file, and what an editor needs to complete it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { packageVersion } from '../../app/entries.ts'
import { gitignoreTemplate, loopTemplate, packageTemplate, tsconfigTemplate } from '../../loop/project-template.ts'
import type { Session } from '../session.ts'

/** Overwrites nothing: a file that is there stays as it is, and is named. */
export async function init({ terminal }: Session, target: string): Promise<void> {
  const folder = resolve(target)
  mkdirSync(folder, { recursive: true })
  const files: Readonly<Record<string, string>> = {
    'loop.ts': loopTemplate,
    'package.json': packageTemplate({ name: packageName(basename(folder)), version: packageVersion }),
    'tsconfig.json': tsconfigTemplate,
    '.gitignore': gitignoreTemplate,
  }
  const written: string[] = []
  const kept: string[] = []
  for (const [name, text] of Object.entries(files)) (writeNew(join(folder, name), text) ? written : kept).push(name)
  terminal.show({ folder, written, kept }, (result) => renderInit(result, relative(process.cwd(), folder)))
}

function writeNew(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A name that npm takes. */
export const packageName = (folder: string): string =>
  folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9\-]+/gv, '-')
    .replaceAll(/^-+|-+$/gv, '') || 'loop'

/** `place`: the folder relative to where the reader is; empty when they are in it. */
export function renderInit(
  { written, kept }: { written: readonly string[]; kept: readonly string[] },
  place: string,
): string {
  const lines = [written.length > 0 ? `Wrote ${written.join(', ')}.` : 'Wrote nothing: all of it is there already.']
  if (written.length > 0 && kept.length > 0)
    lines.push(`Kept ${kept.join(', ')} as ${kept.length === 1 ? 'it is' : 'they are'}.`)
  const steps = [
    ...(place ? [`cd ${place}`] : []),
    'npm install             # so that the editor completes loop.ts',
    'edit loop.ts            # your data, your target',
    'trueloop up --detach',
    'trueloop plan',
    'trueloop apply --wait   # ingests, trains, serves',
    'trueloop status',
  ]
  return [...lines, '', 'Next:', ...steps.map((step) => `  ${step}`)].join('\n')
}
