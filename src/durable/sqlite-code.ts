/**
 * The primary result code (sqlite.org/rescode.html) that node:sqlite puts on its errors, which is the low byte; undefined
 * for what is no error of SQLite.
 */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined
}
