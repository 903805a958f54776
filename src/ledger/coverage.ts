import { type Coverage, joinCoverage, noCoverage, type SinkGateway } from '../domain/coverage.ts'
import { isWide, type Selector, selectorContains, selectorKey } from '../domain/datapoint.ts'
import { isSameRange, RangeSet, type TimeRange } from '../domain/range.ts'
import { isSameSpan, rowsToJoin, type Span } from './compaction.ts'
import { compareReread, joinProofs, type Proof, type Reread, shortestNeighbours } from './proof.ts'
import type { Statements } from './statements.ts'
import type { Target, Targets } from './targets.ts'

/**
 * Provisional rows are kept as they were fetched, so that re-reads compare like with like; but not endlessly many: the
 * shortest neighbours are joined. Were it always the oldest, that row would grow with each pass and never be mature whole.
 */
const mostProvisional = 48

const columns = 'after, until, points, received, written, rejected'

/** The rows of `coverage`, by target. Every method is a plain statement: the transaction is the caller's. */
export function createCoverage(database: Statements, targets: Targets) {
  const sinks = database.prepare(
    'SELECT DISTINCT sink FROM target JOIN coverage ON coverage.target = target.id ORDER BY sink',
  )
  const held = database.prepare(`SELECT ${columns} FROM coverage WHERE target = ? AND final = ? ORDER BY after`)
  const touching = database.prepare(
    `SELECT ${columns} FROM coverage WHERE target = ? AND final = ? AND until >= ? AND after <= ? ORDER BY after`,
  )
  const remove = database.prepare('DELETE FROM coverage WHERE target = ? AND final = ? AND after = ?')
  const put = database.prepare(`INSERT INTO coverage (target, final, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)

  /** What the gateway logs in time that it goes through again is new, and made by the rules of today. */
  const reachBack = database.prepare('UPDATE target SET since = ? WHERE gateway = ? AND since > ? AND since <= ?')
  const removeAll = database.prepare('DELETE FROM coverage WHERE target = ?')
  const newest = database.prepare(
    'SELECT max(until) AS until FROM coverage JOIN target ON target.id = coverage.target WHERE gateway = ?',
  )
  /** Of each gateway: nothing is proven after this moment. Time that runs on needs no look at the rows. */
  const provenUntil = new Map<string, number>()
  const restate = database.prepare(
    'UPDATE coverage SET points = ? WHERE target = ? AND final = ? AND after = ? AND until = ?',
  )

  function mayProve(gateway: string, { ranges }: RangeSet): boolean {
    let until = provenUntil.get(gateway)
    if (until === undefined) {
      until = Number(newest.get(gateway)?.['until'] ?? Number.NEGATIVE_INFINITY)
      provenUntil.set(gateway, until)
    }
    return ranges.length > 0 && ranges[0]!.after < until
  }

  /** Takes proof back, so that it is fetched again. True if there was any. */
  function uncover(target: number, { ranges }: RangeSet): boolean {
    let isAny = false
    for (const range of ranges)
      for (const final of [0, 1] as const) if (cut(target, final, range).length > 0) isAny = true
    return isAny
  }

  function rows(target: number, final: 0 | 1): Proof[] {
    return held.all(target, final).map(proofOf)
  }

  function write(target: number, final: 0 | 1, { range, points, counts }: Proof): void {
    const { received = null, written = null, rejected = null } = (final === 1 && counts) || {}
    put.run(target, final, range.after, range.until, points ?? null, received, written, rejected)
  }

  function near(target: number, final: 0 | 1, { after, until }: TimeRange): Proof[] {
    return touching.all(target, final, after, until).map(proofOf)
  }

  /** Takes a range out of the rows; what is left of a row that was cut has no count any more. Returns the rows it met. */
  function cut(target: number, final: 0 | 1, range: TimeRange): Proof[] {
    const met = near(target, final, range).filter(row => overlaps(row.range, range))
    for (const row of met) {
      remove.run(target, final, row.range.after)
      for (const rest of RangeSet.of(row.range).subtract(range).ranges)
        write(target, final, { range: rest, points: undefined })
    }
    return met
  }

  /** Only the rows that touch the new one are rewritten: the cost does not follow the size of the coverage. */
  function addFinal(target: number, proof: Proof, span: Span): void {
    const met = near(target, 1, proof.range)
    const neighbours = met.filter(row => overlaps(row.range, proof.range) || isSameSpan(row.range, proof.range, span))
    for (const { range: it } of neighbours) remove.run(target, 1, it.after)
    const isNew = neighbours.every(row => !overlaps(row.range, proof.range))
    const whole = [proof, ...neighbours].reduce(joinProofs)
    write(target, 1, isNew ? whole : { range: whole.range, points: undefined })
    if (met.length > neighbours.length) joinOldest(target, span)
  }

  function joinOldest(target: number, span: Span): void {
    for (;;) {
      const pair = rowsToJoin(rows(target, 1), span)
      if (pair === undefined) return
      join(target, 1, pair)
    }
  }

  function join(target: number, final: 0 | 1, pair: readonly [Proof, Proof]): void {
    for (const { range } of pair) remove.run(target, final, range.after)
    write(target, final, joinProofs(...pair))
  }

  function addProvisional(target: number, { range, points }: Proof): void {
    // final stays final: a later reading that came too early proves nothing less
    const final = RangeSet.from(near(target, 1, range).map(row => row.range))
    const parts = RangeSet.of(range).subtract(final).ranges
    cut(target, 0, range)
    for (const part of parts) write(target, 0, { range: part, points: isSameRange(part, range) ? points : undefined })
    const held = rows(target, 0)
    const pair = held.length > mostProvisional ? shortestNeighbours(held) : undefined
    if (pair !== undefined) join(target, 0, pair)
  }

  function coverageOf(target: number): Coverage {
    const asFetched = rows(target, 0).map(row => row.range)
    const final = RangeSet.from(rows(target, 1).map(row => row.range))
    return { final, provisional: RangeSet.from(asFetched), asFetched }
  }

  return {
    /** Rows that touch or overlap a range. */
    near,
    /** Says anew how many points a row stands for; a row that is no longer there stays away. */
    recount(target: number, final: 0 | 1, { after, until }: TimeRange, points: number | undefined): void {
      restate.run(points ?? null, target, final, after, until)
    },
    /** Ids of sinks that anything is proven of. */
    sinks: (): string[] => sinks.all().map(row => String(row['sink'])),
    mayProve,
    /** To be called with each range that is covered. */
    provesUntil(gateway: string, until: number): void {
      const known = provenUntil.get(gateway)
      if (known !== undefined && until > known) provenUntil.set(gateway, until)
    },
    /** Takes the proof of this time back, for every sink and selector of a gateway: it is fetched again. True if there was any. */
    takeBack(gateway: string, lived: RangeSet): boolean {
      if (!mayProve(gateway, lived)) return false
      let isAny = false
      for (const { id } of targets.ofGateway(gateway)) if (uncover(id, lived)) isAny = true
      for (const { after, until } of lived.ranges) reachBack.run(after, gateway, after, until)
      return isAny
    },
    uncover,
    uncoverAll: (target: number): void => void removeAll.run(target),
    /** Final or provisional, of this target alone. */
    coveredBy(target: number): RangeSet {
      const { final, provisional } = coverageOf(target)
      return final.add(provisional)
    },
    cover(target: number, proof: Proof, provisional: boolean, span: Span): Reread | undefined {
      if (provisional) {
        addProvisional(target, proof)
        return undefined
      }
      const first = cut(target, 0, proof.range)
      addFinal(target, proof, span)
      return compareReread(first, proof)
    },
    /** The final rows, as verify compares them. */
    proofs: (target: number): Proof[] => rows(target, 1),
    /** Coverage of several selectors at once: what a wider selector has covered counts for the narrower one. */
    of(place: SinkGateway, selectors: readonly Selector[]): Map<Selector, Coverage> {
      const known = targets.all(place)
      const byKey = new Map(known.map(target => [selectorKey(target.selector), target]))
      const wide = known.filter(({ selector }) => isWide(selector))
      return new Map(
        selectors.map(selector => {
          const own = byKey.get(selectorKey(selector))
          const others = wide.filter(other => other !== own && selectorContains(other.selector, selector))
          const sources = own === undefined ? others : [own, ...others]
          const joined = sources.map(source => coverageOf(source.id)).reduce(joinCoverage, noCoverage)
          return [selector, { ...joined, since: own === undefined ? latest(others) : own.since }]
        }),
      )
    },
  }
}

export type CoverageRows = ReturnType<typeof createCoverage>

function latest(targets: readonly Target[]): number | undefined {
  const moments = targets.flatMap(({ since }) => since ?? [])
  return moments.length === 0 ? undefined : Math.max(...moments)
}

function overlaps(a: TimeRange, b: TimeRange): boolean {
  return a.after < b.until && b.after < a.until
}

function proofOf(row: Record<string, unknown>): Proof {
  const { points, received, written, rejected } = row
  return {
    range: { after: Number(row['after']), until: Number(row['until']) },
    points: points === null ? undefined : Number(points),
    counts:
      received === null
        ? undefined
        : { received: Number(received), written: Number(written), rejected: Number(rejected) },
  }
}
