// trueloop status: one screen with what serves, what is being done, what was decided, and what is wrong.
import type { Alert } from '../monitoring/alert.ts'
import { challengerText, championText, isActive, type Rollout, type RolloutVerdict } from '../rollouts/rollout.ts'
import { pathOf, type Client } from '../client/http-client.ts'
import type { PipelineRunDetail } from '../pipelines/pipeline-run.ts'
import { systemClock } from '../platform/clock.ts'
import type { Deployment, Endpoint } from '../serving/endpoint.ts'
import { findRuntime, type Addresses } from '../app/home.ts'
import { DeploymentList } from './endpoint/deployments.ts'
import { EndpointList, variantText } from './endpoint/list.ts'
import {
  findLoopRun,
  LoopList,
  readLastDecisions,
  readLoop,
  runProgress,
  type LoopDetail,
  type StoredDecision,
} from './loop/loop-view.ts'
import { AlertList } from './monitor/alerts.ts'
import { RolloutList } from './rollout/list.ts'
import { VerdictList } from './rollout/show.ts'
import { servingWorkers } from './gateway/serving-workers.ts'
import { connect, type Session } from './session.ts'
import { agoText, factLines, numberText, plain, timeText } from './text.ts'

const decisionsShown = 3
const alertsShown = 10
const rolloutsLooked = 20

export interface LoopStatus {
  readonly loop: string
  readonly detail: LoopDetail
  /** The last ones, in the order in which they were made. */
  readonly decisions: readonly StoredDecision[]
  /** The pipeline run that is under way. */
  readonly run: PipelineRunDetail | null
}

interface GatewayStatus extends Addresses {
  /** That serve; null: it does not answer. */
  readonly workers: number | null
}

export interface Status {
  readonly url: string
  readonly loops: readonly LoopStatus[]
  readonly endpoints: readonly { readonly endpoint: Endpoint; readonly deployment: Deployment | null }[]
  readonly alerts: readonly Alert[]
  /** Under way, with the latest verdict. */
  readonly rollouts: readonly { readonly rollout: Rollout; readonly verdict: RolloutVerdict | null }[]
  /** Of this home; undefined: none runs here. */
  readonly gateway?: GatewayStatus | undefined
}

export async function status(session: Session): Promise<void> {
  const found = await readStatus(connect(session))
  const runtime = findRuntime(session.config.home, 'gateway')
  const gateway = runtime && {
    url: runtime.url,
    grpc: runtime.grpc,
    workers: runtime.url === undefined ? null : await servingWorkers(runtime.url),
  }
  session.terminal.show({ ...found, gateway }, (value) => renderStatus(value, systemClock()))
}

async function readStatus(client: Client): Promise<Status> {
  const loops: LoopStatus[] = []
  for (const { loop } of (await client.call({ path: '/loops', answer: LoopList })).loops) {
    const [detail, decisions, run] = await Promise.all([
      readLoop(client, loop),
      readLastDecisions(client, loop, decisionsShown),
      findLoopRun(client, loop),
    ])
    loops.push({ loop, detail, decisions, run: run ?? null })
  }
  const endpoints: { endpoint: Endpoint; deployment: Deployment | null }[] = []
  for (const endpoint of (await client.call({ path: '/endpoints', answer: EndpointList })).endpoints) {
    const path = pathOf`/endpoints/${endpoint.name}/deployments`
    const { deployments } = await client.call({ path, query: { limit: 1 }, answer: DeploymentList })
    endpoints.push({ endpoint, deployment: deployments[0] ?? null })
  }
  const { alerts } = await client.call({
    path: '/alerts',
    query: { active: 'true', limit: alertsShown },
    answer: AlertList,
  })
  const { rollouts: newest } = await client.call({
    path: '/rollouts',
    query: { limit: rolloutsLooked },
    answer: RolloutList,
  })
  const rollouts: { rollout: Rollout; verdict: RolloutVerdict | null }[] = []
  for (const rollout of newest.filter(isActive)) {
    const path = pathOf`/rollouts/${rollout.id}/verdicts`
    const { verdicts } = await client.call({ path, query: { limit: 1 }, answer: VerdictList })
    rollouts.push({ rollout, verdict: verdicts[0] ?? null })
  }
  return { url: client.url, loops, endpoints, alerts, rollouts }
}

export function renderStatus({ url, loops, endpoints, alerts, rollouts, gateway }: Status, nowMs: number): string {
  if (loops.length === 0 && endpoints.length === 0) {
    return `Trueloop is up at ${url}. No loop is applied: write one with "trueloop init", then "trueloop apply".`
  }
  const serving = endpoints.map(({ endpoint, deployment }): [string, string] => [
    endpoint.name,
    deployment && endpoint.variants.length > 0
      ? `${variantText(endpoint.variants)}, since ${timeText(deployment.atMs)} (${agoText(deployment.atMs, nowMs)})`
      : 'nothing serves yet',
  ])
  const sections = [
    section('Serving', [factLines(serving)]),
    ...loops.map((loop) => section(`Loop ${loop.loop}`, loopLines(loop, nowMs))),
    ...(rollouts.length > 0 ? [section('Rollouts under way', rollouts.flatMap(rolloutLines))] : []),
    section('Open alerts', alerts.length > 0 ? alerts.map(alertLine) : ['none']),
    ...(gateway
      ? [
          section('Gateway', [
            factLines([
              ['HTTP', gateway.url],
              ['gRPC', gateway.grpc ?? 'off'],
              ['workers', gateway.workers === null ? 'it does not answer' : `${gateway.workers} serving`],
            ]),
          ]),
        ]
      : []),
  ]
  return sections.join('\n\n')
}

const section = (title: string, lines: readonly string[]): string =>
  [title, ...lines.flatMap((line) => line.split('\n')).map((line) => `  ${line}`)].join('\n')

function loopLines({ detail, decisions, run }: LoopStatus, nowMs: number): string[] {
  const { state, version, appliedMs } = detail
  const phase = state.phase.replaceAll('_', ' ')
  const facts: [string, string | undefined][] = [
    [
      'now',
      `${state.paused ? 'paused while ' : ''}${phase}${state.attempt ? `, attempt ${state.attempt.number}` : ''}`,
    ],
    ['doing', run ? doingText(run, nowMs) : undefined],
    ['waits', state.heldFor ?? undefined],
    ['version', `${version}, applied ${agoText(appliedMs, nowMs)}`],
  ]
  return [factLines(facts), ...(decisions.length > 0 ? ['decided'] : []), ...decisions.map(decisionLine)]
}

function doingText(run: PipelineRunDetail, nowMs: number): string {
  const { fraction, text } = runProgress(run)
  return `${run.pipeline}, ${Math.round(fraction * 100)} %${text ? `: ${text}` : ''}, begun ${agoText(run.createdAtMs, nowMs)}`
}

const decisionLine = ({ atMs, sentence }: StoredDecision): string => plain(`  ${timeText(atMs)}  ${sentence}`)

const alertLine = ({ openedMs, state, evidence }: Alert): string =>
  plain(`! ${evidence.sentence}; ${state} since ${timeText(openedMs)}`)

function rolloutLines({ rollout, verdict }: Status['rollouts'][number]): string[] {
  const where =
    rollout.state === 'canary' ? `canary, step ${rollout.step + 1} of ${rollout.policy.ramp.length}` : rollout.state
  const head = `${rollout.endpoint}: ${challengerText(rollout)} against ${championText(rollout)}, ${where}, since ${timeText(rollout.startedMs)}`
  const said = verdict
    ? `verdict ${numberText(verdict.sequence)}: ${verdict.verdict.replaceAll('_', ' ')}: ${verdict.reason}`
    : 'not judged yet'
  return [plain(head), plain(`  ${said}`)]
}
