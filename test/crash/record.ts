import { type Differences, isSame } from '../support/differences.ts'

interface BlowLine {
  readonly where: string
  readonly what: string
  readonly isKill: boolean
  readonly afterMs: number
  readonly result: string
}

/** What the parts tell: a line a blow on standard output, and every finding for the end. */
export interface Record {
  /** Blows struck in all parts so far. */
  readonly blows: number
  /** How many of them have ended the program by kill -9. */
  readonly kills: number
  readonly findings: readonly string[]
  blow(line: BlowLine): void
  say(text: string): void
  /** A difference, or anything else that must not be. */
  finding(text: string): void
}

export function createRecord(): Record {
  const findings: string[] = []
  let blows = 0
  let kills = 0
  return {
    get blows() {
      return blows
    },
    get kills() {
      return kills
    },
    findings,
    blow({ where, what, isKill, afterMs, result }) {
      blows++
      if (isKill) kills++
      const after = `after ${(afterMs / 1000).toFixed(1)} s`
      console.log(`${String(blows).padStart(4)}  ${where.padEnd(22)}${what.padEnd(36)}${after.padEnd(14)}${result}`)
    },
    say: text => console.log(`      ${text}`),
    finding(text) {
      findings.push(text)
      console.log(`  !!  ${text}`)
    },
  }
}

/** `nothing lost, changed or extra`, or how many of which with the first of them. */
export function differencesText(found: Differences): string {
  if (isSame(found)) return '0 lost, 0 changed, 0 extra'
  const { lost, changed, extra } = found
  const first = [...lost, ...changed, ...extra].slice(0, 3).join('   ')
  return `${lost.length} lost, ${changed.length} changed, ${extra.length} extra: ${first}`
}

export function shareText(claimed: number, whole: number): string {
  const share = whole === 0 ? 100 : Math.floor((claimed / whole) * 100)
  return `ledger claims ${claimed.toLocaleString('en')} of ${whole.toLocaleString('en')} (${share} %)`
}
