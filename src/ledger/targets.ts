import { type Coverage, joinCoverage, noCoverage } from '../domain/coverage.ts'
import { type Selector, selectorContains, selectorKey } from '../domain/datapoint.ts'
import type { Series } from '../domain/point.ts'
import { isSameRange, RangeSet, rangeLength, type TimeRange } from '../domain/range.ts'
import { addCounts, type Counts } from '../domain/receipt.ts'
import { isSameSpan, rowsToJoin, type Span } from './months.ts'
import type { Statements } from './statements.ts'

/** The sink and gateway that coverage belongs to. */
export interface Place {
  readonly sink: string
  readonly gateway: string
}

/** One row of coverage: a range and the distinct points acknowledged for it, where that is known. */
export interface Proof {
  readonly range: TimeRange
  readonly points: number | undefined
  /** As the transfers have counted; of final rows alone. What dead letters that are replayed add is in `points`. */
  readonly counts?: Counts | undefined
}

/** What a second look has found, where it can be compared with the first. */
export interface SecondLook {
  readonly points: number
  readonly late: number
}

/**
 * Provisional rows are kept as they were fetched, so that second looks compare like with like; but not endlessly many: the
 * shortest neighbours are joined. Were it always the oldest, that row would grow with each pass and never be mature whole.
 */
const mostLooks = 48

const columns = 'after, until, points, received, written, rejected'

/** The rows of `target` and `coverage`. Every method is a plain statement: the transaction is the caller's. */
export function createTargets(database: Statements) {
  const find = database.prepare('SELECT id FROM target WHERE sink = ? AND gateway = ? AND key = ?')
  const insert = database.prepare('INSERT INTO target (sink, gateway, key, selector) VALUES (?, ?, ?, ?)')
  const all = database.prepare('SELECT id, selector FROM target WHERE sink = ? AND gateway = ?')
  const ofSinks = database.prepare(
    'SELECT DISTINCT sink FROM target JOIN coverage ON coverage.target = target.id ORDER BY sink',
  )
  const ofGateway = database.prepare('SELECT id, selector FROM target WHERE gateway = ?')
  const held = database.prepare(`SELECT ${columns} FROM coverage WHERE target = ? AND final = ? ORDER BY after`)
  const touching = database.prepare(
    `SELECT ${columns} FROM coverage WHERE target = ? AND final = ? AND until >= ? AND after <= ? ORDER BY after`,
  )
  const remove = database.prepare('DELETE FROM coverage WHERE target = ? AND final = ? AND after = ?')
  const put = database.prepare(`INSERT INTO coverage (target, final, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)

  const newest = database.prepare(
    'SELECT max(until) AS until FROM coverage JOIN target ON target.id = coverage.target WHERE gateway = ?',
  )
  /** Of each gateway: nothing is proven after this moment. Time that runs on needs no look at the rows. */
  const provenUntil = new Map<string, number>()
  const restate = database.prepare(
    'UPDATE coverage SET points = ? WHERE target = ? AND final = ? AND after = ? AND until = ?',
  )

  function targetId({ sink, gateway }: Place, selector: Selector): number | undefined {
    const row = find.get(sink, gateway, selectorKey(selector))
    return row === undefined ? undefined : Number(row['id'])
  }

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
    // final stays final: a later look that came too early proves nothing less
    const final = RangeSet.from(near(target, 1, range).map(row => row.range))
    const parts = RangeSet.of(range).subtract(final).ranges
    cut(target, 0, range)
    for (const part of parts) write(target, 0, { range: part, points: isSameRange(part, range) ? points : undefined })
    const looks = rows(target, 0)
    const pair = looks.length > mostLooks ? shortestNeighbours(looks) : undefined
    if (pair !== undefined) join(target, 0, pair)
  }

  function coverageOf(target: number): Coverage {
    const looks = rows(target, 0).map(row => row.range)
    const final = RangeSet.from(rows(target, 1).map(row => row.range))
    return { final, provisional: RangeSet.from(looks), looks }
  }

  return {
    /** Undefined: nothing was ever recorded of it. */
    find: targetId,
    idOf(place: Place, selector: Selector): number {
      const known = targetId(place, selector)
      if (known !== undefined) return known
      const { lastInsertRowid } = insert.run(place.sink, place.gateway, selectorKey(selector), JSON.stringify(selector))
      return Number(lastInsertRowid)
    },
    /** Rows that touch or overlap a range. */
    near,
    /** Says anew how many points a row stands for; a row that is no longer there stays away. */
    recount(target: number, final: 0 | 1, { after, until }: TimeRange, points: number | undefined): void {
      restate.run(points ?? null, target, final, after, until)
    },
    /** Ids of sinks that anything is proven of. */
    sinks(): string[] {
      return ofSinks.all().map(row => String(row['sink']))
    },
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
      for (const { id } of ofGateway.all(gateway)) if (uncover(Number(id), lived)) isAny = true
      return isAny
    },
    uncover,
    /** For every sink. */
    ofGateway: (gateway: string): { readonly id: number; readonly selector: Selector }[] =>
      ofGateway
        .all(gateway)
        .map(row => ({ id: Number(row['id']), selector: JSON.parse(String(row['selector'])) as Selector })),
    all(place: Place): { readonly id: number; readonly selector: Selector }[] {
      return all.all(place.sink, place.gateway).map(row => ({
        id: Number(row['id']),
        selector: JSON.parse(String(row['selector'])) as Selector,
      }))
    },
    /** Final or provisional, of this target alone. */
    coveredBy(target: number): RangeSet {
      const { final, provisional } = coverageOf(target)
      return final.add(provisional)
    },
    cover(target: number, proof: Proof, provisional: boolean, span: Span): SecondLook | undefined {
      if (provisional) {
        addProvisional(target, proof)
        return undefined
      }
      const first = cut(target, 0, proof.range)
      addFinal(target, proof, span)
      return compare(first, proof)
    },
    /** The rows of one selector, final ones, as verify compares them. */
    proofs(place: Place, selector: Selector): Proof[] {
      const target = targetId(place, selector)
      return target === undefined ? [] : rows(target, 1)
    },
    /** Everything that was ever covered at this place. */
    selectors(place: Place): Selector[] {
      return all.all(place.sink, place.gateway).map(row => JSON.parse(String(row['selector'])) as Selector)
    },
    /** Coverage of several selectors at once: what a wider selector has covered counts for the narrower one. */
    coverage(place: Place, selectors: readonly Selector[]): Map<Selector, Coverage> {
      const known = all.all(place.sink, place.gateway).map(row => ({
        id: Number(row['id']),
        selector: JSON.parse(String(row['selector'])) as Selector,
      }))
      const byKey = new Map(known.map(target => [selectorKey(target.selector), target]))
      const wide = known.filter(({ selector }) => isWide(selector))
      return new Map(
        selectors.map(selector => {
          const own = byKey.get(selectorKey(selector))
          const others = wide.filter(other => other !== own && selectorContains(other.selector, selector))
          const sources = own === undefined ? others : [own, ...others]
          return [selector, sources.map(source => coverageOf(source.id)).reduce(joinCoverage, noCoverage)]
        }),
      )
    },
  }
}

/** What is claimed of one selector: its final rows, and the series that their points went to. */
export interface Claim {
  readonly selector: Selector
  readonly proofs: readonly Proof[]
  readonly series: readonly Series[]
}

export type Targets = ReturnType<typeof createTargets>

/** Only if whole rows make up the range: a row that was cut has no count, and what is new has no first look. */
function compare(first: readonly Proof[], { range, points }: Proof): SecondLook | undefined {
  const seen = first.filter(row => range.after <= row.range.after && row.range.until <= range.until)
  const earlier = sum(seen.map(row => row.points))
  const length = seen.reduce((total, row) => total + rangeLength(row.range), 0)
  if (points === undefined || earlier === undefined || length !== rangeLength(range)) return undefined
  return { points, late: Math.max(0, points - earlier) }
}

function shortestNeighbours(rows: readonly Proof[]): [Proof, Proof] | undefined {
  let shortest: [Proof, Proof] | undefined
  for (const [i, second] of rows.entries()) {
    const first = rows[i - 1]
    if (first === undefined || first.range.until !== second.range.after) continue
    const lengthMs = second.range.until - first.range.after
    if (shortest === undefined || lengthMs < shortest[1].range.until - shortest[0].range.after)
      shortest = [first, second]
  }
  return shortest
}

function joinProofs(a: Proof, b: Proof): Proof {
  return {
    range: { after: Math.min(a.range.after, b.range.after), until: Math.max(a.range.until, b.range.until) },
    points: sum([a.points, b.points]),
    counts: a.counts && b.counts && addCounts(a.counts, b.counts),
  }
}

function sum(counts: readonly (number | undefined)[]): number | undefined {
  return counts.every(count => count !== undefined) ? counts.reduce((a, b) => a + b, 0) : undefined
}

function overlaps(a: TimeRange, b: TimeRange): boolean {
  return a.after < b.until && b.after < a.until
}

function isWide({ device, block, index, point }: Selector): boolean {
  return device === undefined || block === undefined || index === undefined || point === undefined
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
