// US domestic flights of 2001: will this one arrive more than 15 minutes late?
import { binary, dataset, expect, gate, gradientBoosting, loop, monitor, parquet, retrain, rollout } from 'trueloop'

export default loop({
  name: 'flights',
  clock: 'event', // The example replays history: time is what the requests say.

  dataset: dataset('flights', {
    source: parquet('../../node_modules/vega-datasets/data/flights-3m.parquet'),
    timeColumn: 'date',
    expectations: [
      expect.column('date').before('2001-07-01').quarantine(), // Six stray rows of July.
      expect.column('delay').between(-180, 1440).quarantine(), // Nobody arrives 18 hours early.
      expect.column('delay').notNull(),
      expect.column('distance').between(1, 6000),
      expect.column('origin').matches('^[A-Z0-9]{3}$'),
      expect.column('destination').matches('^[A-Z0-9]{3}$'),
    ],
  }),
  target: binary('delay', '>', 15),
  labelDelay: '1d',
  features: ['date', 'distance', 'origin', 'destination'],

  training: {
    trainer: gradientBoosting({ iterations: 100, calendar: ['minute_of_day', 'weekday'] }),
    firstWindow: ['2001-01-01', '2001-02-01'],
    window: '28d',
    holdout: '3d',
    threads: 2,
  },
  gate: [
    gate.metric('auc', { min: 0.6 }),
    gate.notWorseThanChampion({ margin: 0.002 }),
    gate.latency({ oneRowP99Ms: 25 }),
  ],

  monitors: [
    monitor.calibration({ window: '28d', alpha: 0.05 }),
    monitor.logLoss({ window: '28d', alpha: 0.05 }),
    monitor.drift('distance', { window: '28d' }),
    monitor.errorRate({ window: '1d', high: 0.01 }),
  ],
  rollout: rollout.shadowThenCanary(),
  retrain: retrain({ on: ['calibration', 'log_loss'], cooldown: '14d', budget: { retrains: 6, per: '180d' } }),
})
