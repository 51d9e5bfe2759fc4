// Seattle's weather, day by day, 2012 to 2015: does it rain today? Trained by an MLflow script that knows nothing of Trueloop.
import { join } from 'node:path'
import { binary, command, csv, dataset, expect, gate, loop, monitor, retrain, rollout } from 'trueloop'

export default loop({
  name: 'weather',

  dataset: dataset('weather', {
    source: csv('../../node_modules/vega-datasets/data/seattle-weather.csv'),
    timeColumn: 'date',
    expectations: [
      expect.column('precipitation').between(0, 500),
      expect.column('temp_max').between(-30, 50),
      expect.column('wind').notNull(),
    ],
  }),
  target: binary('precipitation', '>', 0),
  labelDelay: '1d',
  features: ['temp_max', 'temp_min', 'wind'],

  training: {
    trainer: command([join(import.meta.dirname, '.venv/bin/python'), 'to_onnx.py', 'train.py'], { folds: 5 }),
    window: '1095d',
    holdout: '180d',
  },
  gate: [gate.minimumRows(150), gate.metric('auc', { min: 0.6 }), gate.notWorseThanChampion()],

  monitors: [monitor.calibration({ window: '90d' }), monitor.drift('temp_max', { window: '90d' })],
  rollout: rollout.shadowThenCanary(),
  retrain: retrain({ on: 'calibration', cooldown: '30d' }),
})
