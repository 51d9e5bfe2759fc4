// Rows in parts, so that no statement has too many parameters.

/** SQLite takes at most 32,766 parameters; statements stay far below, since its connection is synchronous. */
const rowsPerStatement = 200

export function chunksOf<T>(rows: readonly T[], size: number = rowsPerStatement): T[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, chunk) =>
    rows.slice(chunk * size, (chunk + 1) * size),
  )
}
