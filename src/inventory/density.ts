import type { Selector } from '../domain/datapoint.ts'
import type { Device, LogRule } from '../smartserver/discovery.ts'
import { rulesOf } from './retention.ts'

/** What the log rules let expect of a selector. */
interface LoggedAmount {
  /** Entries a day of what is logged at an interval. */
  readonly perDay: number
  /** Datapoints that log every update (interval 0) or have no interval: how often is not known. */
  readonly irregular: number
}

const daySeconds = 86_400

/** The finest level of each datapoint; a selector of one datapoint has one rule on each device, the densest that fits. */
export function loggedAmount(
  selector: Selector,
  devices: readonly Device[],
  rules: readonly LogRule[],
  perDayOfIrregular: number,
): LoggedAmount {
  let [perDay, irregular] = [0, 0]
  for (const device of devices) {
    const intervals = rulesOf(selector, [device], rules).map(({ levels }) => levels[0]?.interval ?? 0)
    const amounts = intervals.map(interval => (interval === 0 ? undefined : daySeconds / interval))
    // an instance name may fit several rules of its block, and is one of them
    const chosen = selector.point === undefined ? amounts : densest(amounts, perDayOfIrregular)
    for (const amount of chosen) {
      if (amount === undefined) irregular++
      else perDay += amount
    }
  }
  return { perDay, irregular }
}

/**
 * Entries a day that a selector brings at the least while the gateway logs; undefined where its rules let expect none, as
 * of what is logged on change. Where an instance name may fit several rules, the sparsest counts.
 */
export function leastPerDay(
  selector: Selector,
  devices: readonly Device[],
  rules: readonly LogRule[],
): number | undefined {
  let sum = 0
  for (const device of devices) {
    const own = rulesOf(selector, [device], rules)
    const amounts = own.map(({ levels, skips }) => {
      const interval = levels[0]?.interval ?? 0
      return interval === 0 || skips === true ? 0 : daySeconds / interval
    })
    if (amounts.length === 0) continue
    sum += selector.point === undefined ? amounts.reduce((a, b) => a + b, 0) : Math.min(...amounts)
  }
  return sum === 0 ? undefined : sum
}

function densest(amounts: readonly (number | undefined)[], ofIrregular: number): (number | undefined)[] {
  return amounts.toSorted((a, b) => (b ?? ofIrregular) - (a ?? ofIrregular)).slice(0, 1)
}
