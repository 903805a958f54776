const isQuick = process.env['TEST_QUICK'] !== undefined

/** How many runs a property test gets: all of them, or a tenth with `./scripts/test --quick`. */
export function runs(full: number): number {
  return isQuick ? Math.ceil(full / 10) : full
}
