// What a command writes: data to standard output, everything else to standard error, in a form that a terminal or a script can read.
import { styleText } from 'node:util'
import { DomainError, messageOf } from '../platform/errors.ts'
import { plain } from './text.ts'

/** 0 is success. docs/reference/cli.md lists them. */
export const exitCodes = {
  failure: 1,
  usage: 2,
  notFound: 3,
  unauthenticated: 4,
  forbidden: 5,
  conflict: 6,
  gateFailed: 7,
  integrity: 8,
  timeout: 124,
  interrupted: 130,
} as const

export interface Terminal {
  readonly isInteractive: boolean
  /** Set by `--json`. */
  readonly json: boolean
  /** Data, to standard output. */
  print(text: string): void
  /** News for a person, to standard error. */
  say(text: string): void
  /** A value: as JSON with `--json`, else what `render` makes of it. */
  show<T>(value: T, render: (value: T) => string): void
  progress(title: string): Progress
}

export interface Progress {
  /** `fraction` from 0 to 1; undefined where nobody knows how much there is. */
  update(fraction: number | undefined, text: string): void
  /** A line of its own, above what is drawn. */
  note(text: string): void
  done(text: string): void
}

const barCells = 24
const lineEveryMs = 5_000
const redrawEveryMs = 80

export function createTerminal(json: boolean): Terminal {
  const isInteractive = Boolean(process.stderr.isTTY)
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  return {
    isInteractive,
    json,
    print,
    say: (text) => void process.stderr.write(`${text}\n`),
    show: (value, render) => print(json ? JSON.stringify(value, null, 2) : render(value)),
    progress: (title) => (isInteractive ? progressBar(title) : progressLines(title)),
  }
}

function progressBar(title: string): Progress {
  let drawnAtMs = -Infinity
  const draw = (text: string): void => void process.stderr.write(`\r\u001b[2K${text}`)
  return {
    update(fraction, text) {
      if (performance.now() - drawnAtMs < redrawEveryMs) return
      drawnAtMs = performance.now()
      if (fraction === undefined) return draw(`${title} ${text}`)
      const cells = Math.round(Math.max(0, Math.min(1, fraction)) * barCells)
      draw(`${title} ${styleText('cyan', '█'.repeat(cells))}${'░'.repeat(barCells - cells)} ${text}`)
    },
    note: (text) => draw(`${text}\n`),
    done: (text) => draw(`${styleText('green', '✓')} ${title} ${text}\n`),
  }
}

function progressLines(title: string): Progress {
  let printedAtMs = -Infinity
  return {
    update(fraction, text) {
      if (performance.now() - printedAtMs < lineEveryMs) return
      printedAtMs = performance.now()
      const share = fraction === undefined ? '' : `${Math.round(fraction * 100)} % `
      process.stderr.write(`${title}: ${share}${text}\n`)
    },
    note: (text) => void process.stderr.write(`${text}\n`),
    done: (text) => void process.stderr.write(`${title}: ${text}\n`),
  }
}

/** Columns as wide as their widest cell; numbers to the right. */
export function table(header: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(plain))
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const isNumber = header.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[\-+]?[\d.,]*\s?[%a-zA-Z]{0,2}$/v.test(row[column] ?? '')),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(header), ...rows.map(line)].join('\n')
}

const codeOfKind: Record<DomainError['kind'], number> = {
  invalid: exitCodes.failure,
  not_found: exitCodes.notFound,
  conflict: exitCodes.conflict,
  forbidden: exitCodes.forbidden,
  unauthenticated: exitCodes.unauthenticated,
  too_large: exitCodes.failure,
  unavailable: exitCodes.failure,
}

/** Codes that say more than their kind. */
const codeOfCode: Readonly<Record<string, number>> = {
  argument_invalid: exitCodes.usage,
  port_invalid: exitCodes.usage,
  log_unknown: exitCodes.usage,
  help_unknown: exitCodes.usage,
  gate_failed: exitCodes.gateFailed,
  blob_corrupt: exitCodes.integrity,
  wait_timeout: exitCodes.timeout,
}

/** Prints what went wrong and sets the exit code; a bug shows its stack. */
export function reportFailure(error: unknown, json: boolean): void {
  if (error instanceof DomainError) {
    process.exitCode = codeOfCode[error.code] ?? codeOfKind[error.kind]
    if (json)
      process.stderr.write(
        `${JSON.stringify({ error: { code: error.code, message: error.message, ...(error.detail ? { facts: error.detail } : {}) } })}\n`,
      )
    else process.stderr.write(`${styleText('red', 'error')} ${error.message} (${error.code})\n`)
    return
  }
  process.exitCode = exitCodes.failure
  process.stderr.write(
    `${styleText('red', 'bug')} ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`,
  )
}
