// Gradient boosting beside scikit-learn's: 508,239 flights of a month, 100 trees of 31 leaves, at one and two threads, interleaved.
// Run: npx node test/bench/training.ts [rounds]. Each fit is in a process of its own, after a small one that warms it up; ours is timed from raw
// columns to the ONNX bytes, scikit-learn's from a ready matrix of numbers.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { takeRows } from '../../src/training/frame.ts'
import { TrainerSpec } from '../../src/training/trainer-spec.ts'
import { train } from '../../src/training/trainer.ts'
import { flightsOfMonth, writeRawTable } from '../interop/training-flights.ts'
import { ensureVenv } from '../interop/venv.ts'

interface Timing {
  readonly wallMs: number
  readonly cpuMs: number
}

const run = promisify(execFile)
const script = join(import.meta.dirname, '..', 'interop', 'training_reference.py')
const iterations = 100
const warmUpRows = 20_000

if (process.argv[2] === 'fit') console.log(JSON.stringify(await fit(Number(process.argv[3]))))
else await compare(Number(process.argv[2] ?? 5))

async function fit(threads: number): Promise<Timing> {
  const frame = await flightsOfMonth(1)
  const warmUp = takeRows(
    frame,
    Array.from({ length: warmUpRows }, (_, row) => row),
  )
  await train({
    spec: TrainerSpec.parse({ trainer: 'gradient_boosting', iterations: 2 }),
    frame: warmUp,
    seed: 1,
    threads,
  })
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  await train({ spec: TrainerSpec.parse({ trainer: 'gradient_boosting', iterations }), frame, seed: 1, threads })
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 }
}

async function compare(rounds: number): Promise<void> {
  const venv = await ensureVenv(['scikit-learn==1.9.1', 'onnx==1.23.1'])
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-bench-training-'))
  const january = await flightsOfMonth(1)
  await writeRawTable(directory, 'train', { frame: january, like: january })
  const answerOf = async (file: string, args: string[], threads: number) => {
    const env = { ...process.env, OMP_NUM_THREADS: String(threads) }
    return JSON.parse((await run(file, args, { env })).stdout) as Timing
  }
  for (const threads of [1, 2]) {
    const ours: Timing[] = []
    const theirs: Timing[] = []
    for (let round = 0; round < rounds; round++) {
      ours.push(await answerOf(process.execPath, [import.meta.filename, 'fit', String(threads)], threads))
      theirs.push(await answerOf(venv.python, [script, 'flights', directory, String(iterations)], threads))
    }
    report(threads, ours, theirs)
  }
  await rm(directory, { recursive: true, force: true })
}

function report(threads: number, ours: readonly Timing[], theirs: readonly Timing[]): void {
  for (const key of ['wallMs', 'cpuMs'] as const) {
    const [own, other] = [median(ours.map((timing) => timing[key])), median(theirs.map((timing) => timing[key]))]
    const line = `${own.toFixed(0)} ms, scikit-learn ${other.toFixed(0)} ms, ratio ${(own / other).toFixed(2)}`
    console.log(
      `${threads} thread${threads === 1 ? '' : 's'}, ${key === 'wallMs' ? 'wall' : 'CPU '}: ${line} (medians of ${ours.length})`,
    )
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
