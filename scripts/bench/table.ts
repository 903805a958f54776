/** One measured number beside what it should be. */
export interface Row {
  readonly name: string
  readonly measured: string
  readonly target: string
  /** Undefined: for information. */
  readonly isMet?: boolean
  /** The bare numbers, for --json. */
  readonly numbers: Readonly<Record<string, number | string>>
}

export function tableText(rows: readonly Row[]): string {
  const width = (of: (row: Row) => string) => Math.max(...rows.map(row => of(row).length))
  const [names, numbers] = [width(row => row.name), width(row => row.measured)]
  return rows
    .map(({ name, measured, target, isMet }) => {
      const verdict = isMet === undefined ? '' : isMet ? '  met' : '  MISSED'
      return `${name.padEnd(names)}  ${measured.padEnd(numbers)}  ${target}${verdict}`
    })
    .join('\n')
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function countText(count: number): string {
  return Math.round(count).toLocaleString('en')
}
