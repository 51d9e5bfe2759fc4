// trueloop doctor: looks for what would keep Trueloop from working here, and says what to do about it.
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Config } from '../app/config.ts'
import { findRuntime } from '../app/home.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { messageOf } from '../platform/errors.ts'
import type { Session } from './session.ts'

type State = 'ok' | 'warning' | 'problem'

export interface Finding {
  readonly check: string
  readonly state: State
  readonly text: string
}

const freeBytesWanted = 2 * 1024 ** 3
/** How many stored objects are read and verified; all of them with `--all`. */
const blobSample = 200

export async function doctor({ config, terminal }: Session, options: { all?: boolean }): Promise<void> {
  const checks = [checkNode, checkHome, checkDisk, checkPorts, checkMetadata, checkBlobs, checkRuntime]
  const findings: Finding[] = []
  for (const check of checks) findings.push(...(await check(config, options.all ?? false)))
  terminal.show(findings, (all) =>
    all.map(({ check, state, text }) => `${mark[state]} ${check.padEnd(10)} ${text}`).join('\n'),
  )
  if (findings.some(({ state }) => state === 'problem')) process.exitCode = 1
}

const mark: Record<State, string> = { ok: '✓', warning: '!', problem: '✗' }

const checkNode = (): Finding[] => [
  { check: 'node', state: 'ok', text: `${process.version} on ${process.platform} ${process.arch}` },
]

function checkHome({ home }: Config): Finding[] {
  let folder = home
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder)
  try {
    accessSync(folder, constants.R_OK | constants.W_OK)
    return [{ check: 'home', state: 'ok', text: existsSync(home) ? home : `${home} (made at the first "trueloop up")` }]
  } catch {
    return [
      { check: 'home', state: 'problem', text: `${folder} cannot be written: give TRUELOOP_HOME a folder that can` },
    ]
  }
}

function checkDisk({ home }: Config): Finding[] {
  const { bavail, bsize } = statfsSync(existsSync(home) ? home : process.cwd())
  const free = bavail * bsize
  const text = `${(free / 1024 ** 3).toFixed(1)} GiB free`
  return [
    {
      check: 'disk',
      state: free > freeBytesWanted ? 'ok' : 'warning',
      text: free > freeBytesWanted ? text : `${text}: little for data and models`,
    },
  ]
}

async function checkPorts(config: Config): Promise<Finding[]> {
  const wanted = [
    ['server', config.port, 'TRUELOOP_PORT'],
    ['gateway', config.gatewayPort, 'TRUELOOP_GATEWAY_PORT'],
    ...(config.gatewayGrpcPort === null
      ? []
      : ([['gateway', config.gatewayGrpcPort, 'TRUELOOP_GATEWAY_GRPC_PORT']] as const)),
  ] as const
  const findings = wanted.map(async ([role, port, setting]): Promise<Finding> => {
    if (findRuntime(config.home, role)) return { check: 'port', state: 'ok', text: `${role} runs already` }
    const isFree = await portIsFree(config.host, port)
    if (isFree) return { check: 'port', state: 'ok', text: `${port} is free for the ${role}` }
    return {
      check: 'port',
      state: 'problem',
      text: `${port} is taken by another program: set ${setting} to another port (0 takes a free one)`,
    }
  })
  return Promise.all(findings)
}

function portIsFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

function checkMetadata({ database }: Config): Finding[] {
  if (!database.startsWith('sqlite:'))
    return [{ check: 'metadata', state: 'ok', text: 'PostgreSQL; checked when the server starts' }]
  const path = database.slice('sqlite:'.length)
  if (!existsSync(path)) return [{ check: 'metadata', state: 'ok', text: 'none yet' }]
  try {
    const connection = new DatabaseSync(path, { readOnly: true })
    const [row] = connection.prepare('pragma quick_check').all()
    connection.close()
    if (row?.['quick_check'] === 'ok') return [{ check: 'metadata', state: 'ok', text: `${path} is sound` }]
    return [
      {
        check: 'metadata',
        state: 'problem',
        text: `${path} is damaged (${JSON.stringify(row)}): "trueloop restore" a backup`,
      },
    ]
  } catch (error) {
    return [{ check: 'metadata', state: 'problem', text: `${path} cannot be read: ${messageOf(error)}` }]
  }
}

async function checkBlobs({ blobs }: Config, all: boolean): Promise<Finding[]> {
  if (blobs.startsWith('s3://'))
    return [{ check: 'blobs', state: 'ok', text: `${blobs}; verified whenever one is read` }]
  if (!existsSync(blobs)) return [{ check: 'blobs', state: 'ok', text: 'none yet' }]
  const store = openDirectoryBlobs(blobs)
  const damaged: string[] = []
  let seen = 0
  for await (const { digest } of store.list()) {
    if (!all && seen >= blobSample) break
    seen += 1
    await store.get(digest).catch(() => damaged.push(digest))
  }
  if (damaged.length === 0)
    return [
      {
        check: 'blobs',
        state: 'ok',
        text: `${seen} objects verified${all ? '' : ` (at most ${blobSample}; --all verifies each)`}`,
      },
    ]
  return [
    {
      check: 'blobs',
      state: 'problem',
      text: `${damaged.length} of ${seen} objects are damaged: ${damaged.slice(0, 3).join(', ')}; "trueloop restore" a backup`,
    },
  ]
}

function checkRuntime({ home }: Config): Finding[] {
  const running = (['supervisor', 'server', 'gateway'] as const).flatMap((role) => {
    const runtime = findRuntime(home, role)
    return runtime ? [`${role} ${runtime.process.pid}`] : []
  })
  return [{ check: 'processes', state: 'ok', text: running.length > 0 ? running.join(', ') : 'none run' }]
}
