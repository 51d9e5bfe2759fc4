// What `trueloop init` writes into a new project.

/** loop.ts: a whole loop with its choices visible; the reader replaces names and columns. */
export const loopTemplate = `// Your loop. Change it, then run: trueloop plan, trueloop apply
import { binary, dataset, expect, gate, gradientBoosting, loop, monitor, csv, retrain, rollout } from 'trueloop'

export default loop({
  name: 'churn',

  // One row an event; the time column says when it happened.
  dataset: dataset('events', {
    source: csv('data/events.csv'), // also: parquet, ndjson, json, http, postgres
    timeColumn: 'time',
    expectations: [
      expect.column('time').notNull().critical(),
      expect.column('amount').between(0, 1_000_000).quarantine(),
    ],
  }),
  target: binary('churned', '=', true), // also: multiclass('column'), regression('column')
  labelDelay: '1d', // how long until the truth is known
  features: ['time', 'amount', 'country'],

  training: {
    trainer: gradientBoosting(), // also: logisticRegression, linearRegression, command(['python3', 'train.py'])
    window: '28d', // what a retrain learns from
    holdout: '7d', // the newest rows, on which every candidate is judged
  },
  gate: [gate.metric('auc', { min: 0.6 }), gate.notWorseThanChampion()],

  monitors: [monitor.calibration({ window: '7d' }), monitor.drift('amount', { window: '7d' })],
  rollout: rollout.shadowThenCanary(),
  retrain: retrain({ on: ['calibration', 'drift.amount'], cooldown: '7d', budget: { retrains: 4, per: '28d' } }),
})
`

/** tsconfig.json: for the editor only; `trueloop` runs loop.ts itself. */
export const tsconfigTemplate = `{
  "compilerOptions": {
    "target": "esnext",
    "module": "nodenext",
    "types": [],
    "strict": true,
    "noEmit": true,
    "allowImportingTsExtensions": true,
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true
  },
  "include": ["*.ts"]
}
`

/** package.json of a project that has none; `version` is that of the running program. */
export function packageTemplate({ name, version }: { name: string; version: string }): string {
  const manifest = {
    name,
    private: true,
    type: 'module',
    scripts: { up: 'trueloop up', plan: 'trueloop plan', apply: 'trueloop apply', status: 'trueloop status' },
    devDependencies: { trueloop: `^${version}` },
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/** What the home keeps belongs to one machine; rows are versions of a dataset, and what else git lists is recorded as the code of each run. */
export const gitignoreTemplate = `node_modules/
.trueloop/
.env
data/
`
