// Commands about this home and its processes.
import type { Command } from 'commander'
import type { GcOptions } from './gc.ts'
import type { ServerOptions } from './server.ts'
import type { UpOptions } from './up.ts'
import { work } from './work.ts'

export function addProcessCommands(program: Command): void {
  program
    .command('up')
    .description('start the control plane and the gateway of this home')
    .option('-d, --detach', 'return when all of it answers; "trueloop down" ends it')
    .option('--port <port>', 'of the control plane; 0 takes a free one (default: TRUELOOP_PORT, else 7070)')
    .option(
      '--gateway-port <port>',
      'of the gateway; 0 takes a free one (default: TRUELOOP_GATEWAY_PORT, else one above --port)',
    )
    .action(
      work(async (session, options: UpOptions) => (await import('./up.ts')).up(session, options), { endsItself: true }),
    )
  addServerCommand(program)
  program
    .command('down')
    .description('end what runs in this home; requests in flight are answered first')
    .action(work(async (session) => (await import('./down.ts')).down(session)))
  program
    .command('status')
    .description('what serves, what is being done, what was decided, and what is wrong')
    .action(work(async (session) => (await import('./status.ts')).status(session)))
  program
    .command('logs')
    .argument('[name]', 'server, gateway or supervisor', 'server')
    .description('what the processes of this home said')
    .option('-f, --follow', 'go on printing as more is said')
    .action(
      work(async (session, name: string, options: { follow?: boolean }) =>
        (await import('./logs.ts')).logs(session, name, options),
      ),
    )
  program
    .command('doctor')
    .description('look for what would keep Trueloop from working here')
    .option('--all', 'verify every stored object instead of a sample')
    .action(work(async (session, options: { all?: boolean }) => (await import('./doctor.ts')).doctor(session, options)))
  program
    .command('backup')
    .argument('<folder>', 'a new or empty folder')
    .description('copy the metadata and all stored objects, while it runs or not')
    .action(work(async (session, folder: string) => (await import('./backup.ts')).backup(session, folder)))
  program
    .command('restore')
    .argument('<folder>', 'that "trueloop backup" wrote')
    .description('fill this home from a backup; it must not run')
    .option('--force', 'set aside what the home holds already')
    .action(
      work(async (session, folder: string, options: { force?: boolean }) =>
        (await import('./backup.ts')).restore(session, folder, options.force ?? false),
      ),
    )
  addCollectionCommand(program)
  program
    .command('demo')
    .description('the whole loop on three million real flights, in a home of its own')
    .option('--keep', 'leave it running afterwards, to look around')
    .action(
      work(async (session, options: { keep?: boolean }) => (await import('./demo.ts')).demo(session, options), {
        endsItself: true,
      }),
    )
}

function addServerCommand(program: Command): void {
  program
    .command('server')
    .description('run the control plane alone, in the foreground: a drop-in for an MLflow server')
    .option('--host <host>', 'to listen on (default: TRUELOOP_HOST, else 127.0.0.1)')
    .option('--port <port>', '0 takes a free one (default: TRUELOOP_PORT, else 7070)')
    .option('--home <folder>', 'that holds everything (default: TRUELOOP_HOME, else .trueloop)')
    .option(
      '--default-artifact-root <location>',
      'of new experiments: mlflow-artifacts:/ or http://…/api/2.0/mlflow-artifacts/artifacts (stored here), file:///…, s3://… or a folder (default: MLFLOW_DEFAULT_ARTIFACT_ROOT)',
    )
    .option(
      '--artifacts-destination <location>',
      'what is stored here lies in this folder or s3://… (default: the home)',
    )
    .option(
      '--allowed-hosts <hosts>',
      'names besides loopback that it goes by, separated by commas (default: MLFLOW_SERVER_ALLOWED_HOSTS)',
    )
    .option(
      '--cors-allowed-origins <origins>',
      'whose pages may use MLflow’s API, separated by commas (default: MLFLOW_SERVER_CORS_ALLOWED_ORIGINS)',
    )
    .option(
      '--x-frame-options <value>',
      'SAMEORIGIN, DENY or NONE (default: MLFLOW_SERVER_X_FRAME_OPTIONS, else SAMEORIGIN)',
    )
    .option('--disable-security-middleware', 'is refused: name hosts and origins instead')
    .action(
      work(async (session, options: ServerOptions) => (await import('./server.ts')).server(session, options), {
        endsItself: true,
      }),
    )
}

function addCollectionCommand(program: Command): void {
  program
    .command('gc')
    .description('remove for good what was deleted, and stored bytes that nothing names')
    .option('--older-than <age>', 'only what was deleted at least so long ago, such as 30d or 2d8h')
    .option('--run-ids <ids>', 'only these runs, separated by commas')
    .option('--experiment-ids <ids>', 'only these experiments, with all that is in them')
    .option('--logged-model-ids <ids>', 'only these logged models')
    .option('--dry-run', 'count what would go')
    .action(work(async (session, options: GcOptions) => (await import('./gc.ts')).gc(session, options)))
}
