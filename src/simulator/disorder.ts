import type { Dice } from './dice.ts'

/** Sends entries up to `window` places from where they belong: each next one is drawn from a window that slides along. */
export function* shuffle<T>(items: Iterable<T>, window: number, dice: Dice): Generator<T> {
  const held: T[] = []
  for (const item of items) {
    held.push(item)
    if (held.length >= window) yield take(held, dice)
  }
  while (held.length > 0) yield take(held, dice)
}

function take<T>(held: T[], dice: Dice): T {
  const at = dice.below(held.length)
  const taken = held[at]!
  const last = held.pop()!
  if (at < held.length) held[at] = last
  return taken
}

/** Sends some items once more, none to 20 places later. */
export function* duplicate<T>(items: Iterable<T>, dice: Dice): Generator<T> {
  const again: { item: T; countdown: number }[] = []
  for (const item of items) {
    yield item
    if (dice.strikes('duplicate')) again.push({ item, countdown: dice.below(21) })
    for (let i = again.length - 1; i >= 0; i--) {
      const due = again[i]!
      due.countdown -= 1
      if (due.countdown >= 0) continue
      again.splice(i, 1)
      yield due.item
    }
  }
  for (const { item } of again) yield item
}
