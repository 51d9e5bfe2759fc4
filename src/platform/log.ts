// Structured logs: one JSON object a line on standard error, or readable lines on a terminal.
import type { Clock } from './clock.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log whose every line carries these fields too. */
  with(fields: LogFields): Log
}

export interface LogOptions {
  readonly level: LogLevel
  readonly clock: Clock
  readonly write: (line: string) => void
  readonly format: 'json' | 'text'
}

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

export function createLog(options: LogOptions, fields: LogFields = {}): Log {
  const emit = (level: LogLevel, message: string, extra: LogFields = {}): void => {
    if (rank[level] < rank[options.level]) return
    const at = new Date(options.clock()).toISOString()
    const all = { ...fields, ...extra }
    options.write(
      options.format === 'json'
        ? `${JSON.stringify({ at, level, message, ...all })}\n`
        : textLine({ at, level, message, all }),
    )
  }
  return {
    debug: (message, extra) => emit('debug', message, extra),
    info: (message, extra) => emit('info', message, extra),
    warn: (message, extra) => emit('warn', message, extra),
    error: (message, extra) => emit('error', message, extra),
    with: (more) => createLog(options, { ...fields, ...more }),
  }
}

function textLine({
  at,
  level,
  message,
  all,
}: {
  at: string
  level: LogLevel
  message: string
  all: LogFields
}): string {
  const rest = Object.entries(all)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  return `${at.slice(11, 23)} ${level.padEnd(5)} ${message}${rest ? ` ${rest}` : ''}\n`
}

/** Writes lines to standard error. Where that is a file and its disk is full, lines are lost and the process goes on. */
export function standardErrorWriter(): (line: string) => void {
  process.stderr.on('error', () => undefined) // Unheard, it would end the process.
  return (line) => void process.stderr.write(line)
}

/** Says nothing; for tests and for callers that report in another way. */
export const silentLog: Log = createLog({ level: 'error', clock: () => 0, write: () => undefined, format: 'json' })
