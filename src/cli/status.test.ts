// The one screen: what serves, what is done, what was decided, what is wrong.
import { expect, test } from 'vitest'
import { emptyState } from '../loop/policy-state.ts'
import { RolloutPolicy } from '../rollouts/rollout.ts'
import { renderStatus, type Status } from './status.ts'
import { defaultOptions } from '../serving/endpoint-options.ts'

const nowMs = Date.parse('2026-01-02T12:00:00Z')
const hourMs = 3_600_000
const variant = { version: 'churn/2', role: 'champion' as const, weight: 0.9, quarantined: false }
const canary = { version: 'churn/3', role: 'canary' as const, weight: 0.1, quarantined: false }

const full: Status = {
  url: 'http://127.0.0.1:7070',
  loops: [
    {
      loop: 'churn',
      detail: {
        version: 3,
        spec: {},
        code: null,
        appliedBy: 'owner',
        appliedMs: nowMs - 5 * hourMs,
        state: { ...emptyState, phase: 'rolling_out', champion: 'churn/2', heldFor: 'the cooldown ends on 2026-01-09' },
      },
      decisions: [
        {
          number: 9,
          atMs: nowMs - hourMs,
          recordedMs: nowMs,
          kind: 'rollout_started',
          sentence: 'churn/3 goes into a rollout.',
          evidence: {},
        },
      ],
      run: null,
    },
  ],
  endpoints: [
    {
      endpoint: {
        name: 'churn',
        clock: 'wall',
        logShare: 1,
        queueRowsMax: 1,
        options: defaultOptions,
        generation: 4,
        splitSalt: 's',
        variants: [variant, canary],
        createdAtMs: 0,
        stopped: null,
      },
      deployment: {
        endpoint: 'churn',
        generation: 4,
        atMs: nowMs - 2 * hourMs,
        actor: 'loop:churn',
        reason: 'x',
        variants: [],
      },
    },
  ],
  alerts: [],
  rollouts: [
    {
      rollout: {
        id: 'rol_1',
        endpoint: 'churn',
        model: 'churn',
        champion: 2,
        challenger: 3,
        key: null,
        state: 'canary',
        step: 0,
        policy: RolloutPolicy.parse({}),
        startedMs: nowMs - hourMs,
        phaseStartedMs: nowMs,
        finishedMs: null,
        watchUntilMs: null,
        slowLimitMs: null,
        rehearsal: null,
        held: false,
        sentence: 's',
        createdBy: 'o',
        createdAtMs: 0,
      },
      verdict: {
        rollout: 'rol_1',
        sequence: 7,
        phase: 'canary',
        step: 0,
        verdict: 'continue',
        reason: 'not enough evidence yet: 40 of at least 500 requests',
        statistics: {},
        policyDigest: null,
        judgedMs: 0,
        atMs: 0,
      },
    },
  ],
}

test('status shows what serves and since when, what is decided and why, and rollouts with their latest verdict', () => {
  expect(renderStatus(full, nowMs)).toBe(`Serving
  churn  churn/2 (champion, 90 %), churn/3 (canary, 10 %), since 2026-01-02 10:00 (2 h ago)

Loop churn
  now      rolling out
  waits    the cooldown ends on 2026-01-09
  version  3, applied 5 h ago
  decided
    2026-01-02 11:00  churn/3 goes into a rollout.

Rollouts under way
  churn: churn/3 against churn/2, canary, step 1 of 2, since 2026-01-02 11:00
    verdict 7: continue: not enough evidence yet: 40 of at least 500 requests

Open alerts
  none`)
})

test('status tells where the gateway of the home is reached', () => {
  const gateway = { url: 'http://127.0.0.1:7071', grpc: '127.0.0.1:7072', workers: 2 }
  const text = renderStatus({ ...full, gateway }, nowMs)
  expect(text).toMatch(/Gateway\n {2}HTTP +http:\/\/127\.0\.0\.1:7071\n {2}gRPC +127\.0\.0\.1:7072/v)
  expect(renderStatus({ ...full, gateway: { ...gateway, grpc: undefined } }, nowMs)).toMatch(/gRPC +off/v)
  expect(text).toMatch(/workers +2 serving/v)
  const silent = { ...gateway, workers: null }
  expect(renderStatus({ ...full, gateway: silent }, nowMs)).toMatch(/workers +it does not answer/v)
})

test('status of an empty home says what to do next', () => {
  const empty = { url: 'http://127.0.0.1:7070', loops: [], endpoints: [], alerts: [], rollouts: [] }
  expect(renderStatus(empty, nowMs)).toContain('trueloop init')
})
