// trueloop model …: the registry.
import type { Command } from 'commander'
import type { ListOptions, ReasonOptions } from '../arguments.ts'
import { noun, withLimit, withReason, work } from '../work.ts'
import type { ProposeOptions } from './propose.ts'

const version = 'model and version, such as flights/3'

export function addModelCommands(program: Command): void {
  const model = noun(program, 'model', 'registered models, their versions, and how these fared at the gate')
  withLimit(model.command('list'), 50)
    .description('the models and what their aliases name')
    .action(work(async (session, options: ListOptions) => (await import('./list.ts')).listModels(session, options)))
  model
    .command('show')
    .argument('<model>', 'a model, or a version of it such as flights/3')
    .description('a model and its aliases, or one version with its signature and metrics')
    .action(work(async (session, reference: string) => (await import('./show.ts')).showModel(session, reference)))
  withLimit(model.command('versions'), 20)
    .argument('<model>')
    .description('the versions of a model, newest first')
    .action(
      work(async (session, name: string, options: ListOptions) =>
        (await import('./versions.ts')).modelVersions(session, name, options),
      ),
    )
  model
    .command('gate')
    .argument('<version>', version)
    .description('how a version fared at its gate, each check in a sentence')
    .action(work(async (session, reference: string) => (await import('./gate.ts')).modelGate(session, reference)))
  for (const [verb, state] of [
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ] as const) {
    withReason(model.command(verb))
      .argument('<version>', version)
      .description(
        state === 'approved'
          ? 'say that a version may serve, whatever its gate said'
          : 'say that a version may not serve',
      )
      .action(
        work(async (session, reference: string, { reason }: ReasonOptions) =>
          (await import('./judge.ts')).judgeModel(session, reference, { state, reason }),
        ),
      )
  }
  withReason(model.command('propose'))
    .argument('<file>', 'an ONNX graph with the inputs and outputs of the loop’s models')
    .requiredOption('--loop <name>', 'that judges it')
    .description('hand a graph made elsewhere to a loop: its gate and rollout decide')
    .action(
      work(async (session, file: string, options: ProposeOptions) =>
        (await import('./propose.ts')).proposeModel(session, file, options),
      ),
    )
}
