// The grammar of the command line: every command, its arguments and what runs it. A command's own file loads when it is called.
import { Command } from 'commander'
import { addDataCommands } from './data/commands.ts'
import { addEndpointCommands } from './endpoint/commands.ts'
import { addGatewayCommands } from './gateway/commands.ts'
import { addLoopCommands } from './loop/commands.ts'
import { addLoopFileCommands } from './loop/file-commands.ts'
import { addExchangeCommands } from './mlflow/commands.ts'
import { addModelCommands } from './model/commands.ts'
import { addMonitorCommands } from './monitor/commands.ts'
import { addPipelineCommands } from './pipeline/commands.ts'
import { addProcessCommands } from './process-commands.ts'
import { addRecordCommands } from './record-commands.ts'
import { addRolloutCommands } from './rollout/commands.ts'
import { addAbCommands } from './ab/commands.ts'
import { addRunCommands } from './run/commands.ts'
import { helpOf } from './help.ts'

/** The whole tree. Nothing runs before `parseAsync`; a wrong command line throws commander's error. */
export function createProgram(): Command {
  const program = new Command('trueloop')
    .description(
      'Keeps machine-learning models true in production: data, training, serving, monitoring, and the way back.',
    )
    .option('--json', 'write the answer as JSON')
    .option('-V, --version', 'print the version')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined }) // main.ts says it, in one sentence.
  program
    .command('help')
    .argument('[topic...]', 'a command, or commands, or exit-codes')
    .description('explain a command, list all of them (commands), or what exit codes mean (exit-codes)')
    .action((topic: string[]) => helpOf(program, topic))
  addLoopFileCommands(program)
  addProcessCommands(program)
  addRecordCommands(program)
  addDataCommands(program)
  addRunCommands(program)
  addPipelineCommands(program)
  addModelCommands(program)
  addEndpointCommands(program)
  addGatewayCommands(program)
  addLoopCommands(program)
  addMonitorCommands(program)
  addAbCommands(program)
  addRolloutCommands(program)
  addExchangeCommands(program)
  return program
}
