// Commands that cut across the stages: predictions and outcomes, lineage, the audit log, any route.
import type { Command } from 'commander'
import type { ApiOptions } from './api.ts'
import type { ListOptions } from './arguments.ts'
import type { LineageOptions } from './lineage.ts'
import type { OutcomeOptions } from './outcome.ts'
import type { PredictOptions } from './predict.ts'
import { withLimit, work, workOnTwo } from './work.ts'

export function addRecordCommands(program: Command): void {
  program
    .command('predict')
    .argument('<endpoint>')
    .argument('[file]', 'rows as JSON, NDJSON or CSV; - is standard input')
    .description('ask an endpoint, through the gateway')
    .option('--row <json>', 'one row: \'{"column": value}\'')
    .option('--key <key>', 'sticks to one side of a traffic split')
    .option('--time <time>', 'of the event, where the endpoint is on the event clock')
    .action(
      workOnTwo(async (session, both: readonly [endpoint: string, file: string | undefined], options: PredictOptions) =>
        (await import('./predict.ts')).predict(session, both, options),
      ),
    )
  program
    .command('outcome')
    .argument('[file]', 'CSV with prediction_id and value, or NDJSON; - is standard input')
    .description('say what really happened, for predictions by their ids')
    .option('--id <prediction>', 'of one prediction')
    .option('--value <value>', 'a number, true or false, or a class')
    .action(
      work(async (session, file: string | undefined, options: OutcomeOptions) =>
        (await import('./outcome.ts')).postOutcomes(session, file, options),
      ),
    )
  program
    .command('lineage')
    .argument('<node>', 'such as prediction:prd_…, model_version:flights/3 or dataset_version:flights/1')
    .description('what a thing came from')
    .option('--downstream', 'what came of it instead')
    .action(
      work(async (session, node: string, options: LineageOptions) =>
        (await import('./lineage.ts')).lineage(session, node, options),
      ),
    )
  withLimit(program.command('audit'), 50)
    .description('who changed what, newest first')
    .option('--subject <subject>', 'only of this thing, such as flights/3')
    .action(
      work(async (session, options: ListOptions & { subject?: string }) =>
        (await import('./audit.ts')).audit(session, options),
      ),
    )
  program
    .command('open')
    .argument('[resource]', 'such as endpoint/flights, model/flights/3 or api', 'api')
    .description('print the address of something; on a terminal, open it in a browser')
    .action(work(async (session, resource: string) => (await import('./open.ts')).open(session, resource)))
  program
    .command('api')
    .argument('<method>', 'GET, POST, PUT, PATCH or DELETE')
    .argument('<path>', 'below /api, such as /loops')
    .description('call any route of the control plane')
    .option('--body <json>', 'to send')
    .action(
      workOnTwo(async (session, both: readonly [method: string, path: string], options: ApiOptions) =>
        (await import('./api.ts')).api(session, both, options),
      ),
    )
}
