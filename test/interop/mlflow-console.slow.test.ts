// MLflow's own console, as the wheel has it, on Trueloop and on a stock server with the same data: what it shows, and no error that stock does not have.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { runClient } from './mlflow/clients.ts'
import { openBrowser, serveConsole, visit, type Visit } from './mlflow/console.ts'
import { newestVenv } from './mlflow/environments.ts'
import { startStock, startTrueloop, type MlflowServer } from './mlflow/servers.ts'

const run = promisify(execFile)
const Data = z.object({ experiment: z.string(), runs: z.array(z.string()), trace: z.string(), model: z.string() })
type Data = z.infer<typeof Data>

interface ConsolePage {
  readonly name: string
  readonly path: (data: Data) => string
  /** What must be read there. */
  readonly shows: readonly string[]
}

const pages: readonly ConsolePage[] = [
  { name: 'experiments', path: () => '/experiments', shows: ['console'] },
  {
    name: 'runs',
    path: ({ experiment }) => `/experiments/${experiment}/runs`,
    shows: ['console-run-0', 'console-run-4'],
  },
  {
    name: 'charts',
    path: ({ experiment }) => `/experiments/${experiment}/runs?compareRunsMode=CHART`,
    shows: ['accuracy', 'loss'],
  },
  {
    name: 'run',
    path: ({ experiment, runs }) => `/experiments/${experiment}/runs/${runs[0]}`,
    shows: ['console-run-0', 'optimizer', 'accuracy'],
  },
  {
    name: 'run-metrics',
    path: ({ experiment, runs }) => `/experiments/${experiment}/runs/${runs[0]}/model-metrics`,
    shows: ['val/loss'],
  },
  {
    name: 'run-artifacts',
    path: ({ experiment, runs }) => `/experiments/${experiment}/runs/${runs[0]}/artifacts`,
    shows: ['conf.json', 'notes'],
  },
  {
    name: 'compare',
    path: ({ experiment, runs }) =>
      `/compare-runs?runs=${encodeURIComponent(JSON.stringify(runs.slice(0, 2)))}&experiments=${encodeURIComponent(JSON.stringify([experiment]))}`,
    shows: ['console-run-0', 'console-run-1'],
  },
  { name: 'logged-models', path: ({ experiment }) => `/experiments/${experiment}/models`, shows: ['line'] },
  {
    name: 'logged-model',
    path: ({ experiment, model }) => `/experiments/${experiment}/models/${model}`,
    shows: ['line'],
  },
  { name: 'traces', path: ({ experiment }) => `/experiments/${experiment}/traces`, shows: ['question 0'] },
  {
    name: 'trace',
    path: ({ experiment, trace }) => `/experiments/${experiment}/traces?selectedEvaluationId=${trace}`,
    shows: ['inner'],
  },
  { name: 'models', path: () => '/models', shows: ['console-model'] },
  { name: 'model', path: () => '/models/console-model', shows: ['a line'] },
  { name: 'version', path: () => '/models/console-model/versions/1', shows: ['best'] },
  { name: 'prompts', path: () => '/prompts', shows: ['console-prompt'] },
  { name: 'prompt', path: () => '/prompts/console-prompt', shows: ['Hello'] },
]

const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

test('every page shows what it shows on stock, with no error of its own', async (context) => {
  const executable = browsers.find((path) => existsSync(path))
  if (!executable) return context.skip('no Chromium here: install one to have the console looked at')
  const { python } = await newestVenv()
  const { stdout } = await run(python, ['-c', 'import mlflow; print(mlflow.__file__)'])
  const folder = join(dirname(stdout.trim()), 'server', 'js', 'build')
  const pictures = process.env['TRUELOOP_TEST_PICTURES'] ?? (await mkdtemp(join(tmpdir(), 'trueloop-console-')))
  const ours = await look(await startTrueloop(), folder, { executable, pictures })
  const theirs = await look(await startStock({ isSmall: true }), folder, { executable, pictures })
  for (const { name, shows } of pages) {
    const [mine, stock] = [ours.get(name)!, theirs.get(name)!]
    for (const text of shows) {
      expect(stock.text, `stock's page ${name}; pictures in ${pictures}`).toContain(text)
      expect(mine.text, `the page ${name}; pictures in ${pictures}`).toContain(text)
    }
    expect({ name, news: mine.problems.filter((problem) => !stock.problems.includes(problem)) }).toEqual({
      name,
      news: [],
    })
  }
})

/** Fills the server, visits every page and ends the server. */
async function look(
  started: MlflowServer,
  folder: string,
  { executable, pictures }: { executable: string; pictures: string },
): Promise<ReadonlyMap<string, Visit>> {
  await using server = started
  const printed = await runClient(server, await newestVenv(), { name: 'console_data' })
  const data = Data.parse(JSON.parse(printed.split('\n').find((line) => line.startsWith('{'))!))
  await using site = await serveConsole(folder, server.url)
  await using browser = await openBrowser(executable)
  await mkdir(join(pictures, server.name), { recursive: true })
  const seen = new Map<string, Visit>()
  for (const { name, path, shows } of pages) {
    const picture = join(pictures, server.name, `${name}.png`)
    seen.set(name, await visit(browser.context, `${site.url}/#${path(data)}`, { shows, picture }))
  }
  return seen
}
