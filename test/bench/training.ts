// Gradient boosting beside scikit-learn's: a month of flights, 100 trees of 31 leaves, at one and two threads, in turn. Each fit is in a process of
// its own, after a small one that warms it up; ours is timed from raw columns to the ONNX bytes, scikit-learn's from a ready matrix of numbers.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeRows, type Frame } from '../../src/training/frame.ts'
import { TrainerSpec } from '../../src/training/trainer-spec.ts'
import { train } from '../../src/training/trainer.ts'
import { flightsOfMonth, writeRawTable } from '../interop/training-flights.ts'
import { ensureVenv } from '../interop/venv.ts'
import { medianOf, milliseconds, times, type Bench } from './bench.ts'
import { answerOf, measured } from './processes.ts'

interface Timing {
  readonly wallMs: number
  readonly cpuMs: number
}

interface Quality {
  readonly auc: number
  readonly logLoss: number
}

type Reference = Timing & { readonly ours?: Quality; readonly sklearn?: Quality }

const script = join(import.meta.dirname, '..', 'interop', 'training_reference.py')
const sizes = { full: { iterations: 100, rows: Infinity }, smoke: { iterations: 10, rows: 20_000 } }
const warmUpRows = 20_000
const threadCounts = [1, 2]

/** The first rows, at most so many of them; the flights are ordered by time, so it takes every n-th. */
function thinned(frame: Frame, rowsMax: number): Frame {
  const step = Math.ceil(frame.rowCount / rowsMax)
  if (step <= 1) return frame
  return takeRows(
    frame,
    Array.from({ length: Math.floor(frame.rowCount / step) }, (_, row) => row * step),
  )
}

/** `predictFile`: where the answers for February go, outside of what is timed. */
async function fit(size: keyof typeof sizes, threads: number, predictFile?: string): Promise<Timing> {
  const { iterations, rows } = sizes[size]
  const frame = thinned(await flightsOfMonth(1), rows)
  const fitOn = (table: Frame, trees: number) =>
    train({
      spec: TrainerSpec.parse({ trainer: 'gradient_boosting', iterations: trees }),
      frame: table,
      seed: 1,
      threads,
    })
  await fitOn(thinned(frame, warmUpRows), 2)
  const { model, wallMs, cpuMs } = await measured(async () => ({ model: await fitOn(frame, iterations) }))
  if (predictFile !== undefined) {
    const answers = model.predict(thinned(await flightsOfMonth(2), rows))
    await writeFile(
      predictFile,
      answers.filter((_, at) => at % 2 === 1),
    )
  }
  return { wallMs, cpuMs }
}

export const trainingBench: Bench = async ({ isSmoke, rounds, say }) => {
  const size = isSmoke ? 'smoke' : 'full'
  const { iterations, rows } = sizes[size]
  const { python } = await ensureVenv(['scikit-learn==1.9.1', 'onnx==1.23.1'])
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-bench-training-'))
  try {
    const january = thinned(await flightsOfMonth(1), rows)
    await writeRawTable(directory, 'train', { frame: january, like: january })
    await writeRawTable(directory, 'test', { frame: thinned(await flightsOfMonth(2), rows), like: january })
    const predictFile = join(directory, 'test.predicted')
    const runs = threadCounts.map((threads) => ({ threads, ours: [] as Timing[], theirs: [] as Reference[] }))
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`)
      for (const { threads, ours, theirs } of runs) {
        const environment = { OMP_NUM_THREADS: String(threads) }
        const own = [import.meta.filename, 'ours', size, String(threads), predictFile]
        ours.push(await answerOf<Timing>(process.execPath, own, environment))
        theirs.push(await answerOf<Reference>(python, [script, 'flights', directory, String(iterations)], environment))
      }
    }
    return sectionOf(runs, `${january.rowCount.toLocaleString('en')} flights of January, ${iterations} trees`)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

interface Compared {
  readonly threads: number
  readonly ours: readonly Timing[]
  readonly theirs: readonly Reference[]
}

function sectionOf(runs: readonly Compared[], what: string): Awaited<ReturnType<Bench>> {
  const kinds = [
    ['wallMs', 'wall'],
    ['cpuMs', 'CPU'],
  ] as const
  const rows = runs.flatMap(({ threads, ours, theirs }) =>
    kinds.map(([key, name]) => {
      const [own, other] = [medianOf(ours, (one) => one[key]), medianOf(theirs, (one) => one[key])]
      const label = `${threads} thread${threads === 1 ? '' : 's'}, ${name}`
      return [label, milliseconds(own), milliseconds(other), times(own / other)]
    }),
  )
  const { ours, sklearn } = runs[0]!.theirs[0]!
  if (!ours || !sklearn) throw new Error('the reference did not score the held-out month')
  const quality = (name: string, key: keyof Quality): string[] => [
    name,
    ours[key].toFixed(5),
    sklearn[key].toFixed(5),
    (ours[key] / sklearn[key]).toFixed(4),
  ]
  return {
    title: 'Training',
    about: `Gradient boosting beside scikit-learn’s \`HistGradientBoostingClassifier\` at the same settings: ${what} of 31 leaves, two of the five features categorical.`,
    head: ['', 'Trueloop', 'scikit-learn', 'ours to theirs'],
    rows: [...rows, quality('AUC of February', 'auc'), quality('log loss of February', 'logLoss')],
    notes: [
      'Ours is timed from raw columns (time stamps, strings) to the bytes of the ONNX graph, scikit-learn’s from a ready matrix of numbers to the fitted object.',
      'Each fit is in a process of its own, after a small one that warms it up. February is scored by both outside of what is timed.',
    ],
  }
}

if (import.meta.main) {
  const [, size, threads, predictFile] = process.argv.slice(2)
  console.log(JSON.stringify(await fit(size as keyof typeof sizes, Number(threads), predictFile)))
}
