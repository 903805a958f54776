import { compareMoments, type Moment } from './timestamps.ts'

interface Head<T> {
  entry: T
  readonly rank: number
  readonly rest: Iterator<T>
}

/** Merges sequences that are in order of time into one, lazily; ties keep the order of the sequences. */
export function* mergeByTime<T extends Moment>(sequences: readonly Iterable<T>[]): Generator<T> {
  const heap: Head<T>[] = []
  sequences.forEach((sequence, rank) => {
    const rest = sequence[Symbol.iterator]()
    const first = rest.next()
    if (!first.done) heap.push({ entry: first.value, rank, rest })
  })
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i)
  while (heap.length > 0) {
    const top = heap[0]!
    yield top.entry
    const next = top.rest.next()
    if (!next.done) top.entry = next.value
    else {
      const last = heap.pop()!
      if (heap.length === 0) return
      if (last !== top) heap[0] = last
    }
    sink(heap, 0)
  }
}

function isBefore<T extends Moment>(a: Head<T>, b: Head<T>): boolean {
  return (compareMoments(a.entry, b.entry) || a.rank - b.rank) < 0
}

function sink<T extends Moment>(heap: Head<T>[], from: number): void {
  const head = heap[from]!
  let at = from
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (!isBefore(heap[child]!, head)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = head
}
