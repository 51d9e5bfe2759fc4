// trueloop endpoint …: what clients call, and what answers behind it.
import type { Command } from 'commander'
import type { ListOptions, ReasonOptions } from '../arguments.ts'
import type { ScoreOptions } from './score.ts'
import { noun, withLimit, withReason, work } from '../work.ts'
import type { RollbackOptions } from './rollback.ts'

export function addEndpointCommands(program: Command): void {
  const endpoint = noun(program, 'endpoint', 'what clients call, and what answers behind it')
  endpoint
    .command('list')
    .description('the endpoints and what serves behind each')
    .action(work(async (session) => (await import('./list.ts')).listEndpoints(session)))
  endpoint
    .command('show')
    .argument('<endpoint>')
    .description('one endpoint, with traffic, latency and quality by version')
    .action(work(async (session, name: string) => (await import('./show.ts')).showEndpoint(session, name)))
  withLimit(endpoint.command('deployments'), 20)
    .argument('<endpoint>')
    .description('what served behind an endpoint and why, newest first')
    .action(
      work(async (session, name: string, options: ListOptions) =>
        (await import('./deployments.ts')).endpointDeployments(session, name, options),
      ),
    )
  withReason(endpoint.command('stop'))
    .argument('<endpoint>')
    .description('refuse every caller with the reason, until it is started again')
    .action(
      work(async (session, name: string, options: ReasonOptions) =>
        (await import('./switch.ts')).switchEndpoint(session, { name, turn: 'stop', ...options }),
      ),
    )
  withReason(endpoint.command('start'))
    .argument('<endpoint>')
    .description('let a stopped endpoint answer again')
    .action(
      work(async (session, name: string, options: ReasonOptions) =>
        (await import('./switch.ts')).switchEndpoint(session, { name, turn: 'start', ...options }),
      ),
    )
  endpoint
    .command('score')
    .argument('<endpoint>')
    .argument('<input>', 'rows: .parquet, .csv, .ndjson or .json')
    .argument('<output>', 'a new file: .parquet, .csv or .ndjson')
    .description('score a file of rows with the version that serves; killed, it goes on when it is run again')
    .option('--model-version <version>', 'another version of the model, such as 3')
    .option(
      '--key <columns>',
      'columns of the input to keep, separated by commas; by default all that the model does not take',
    )
    .action(
      work(async (session, ...[name, input, output, options]: [string, string, string, ScoreOptions]) =>
        (await import('./score.ts')).scoreEndpoint(session, [name, input, output], options),
      ),
    )
  withReason(endpoint.command('rollback'))
    .argument('<endpoint>')
    .description('take the challenger away, or the last promotion back')
    .option('--force', 'also to a version that does not answer its examples as it did')
    .action(
      work(async (session, name: string, options: RollbackOptions) =>
        (await import('./rollback.ts')).rollbackEndpoint(session, name, options),
      ),
    )
}
