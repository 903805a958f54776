import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { Directory } from './directory.ts'
import type { FormatFrame } from './frames.ts'
import type { Entry } from './history.ts'
import { type Pager, readCount } from './paging.ts'
import { parseRange } from './query.ts'
import type { Release } from './releases.ts'
import { problem, type RestAnswer, type RestCall } from './rest.ts'
import type { Retention } from './retention.ts'
import { type Datapoint, segment } from './site.ts'
import type { Store } from './store.ts'
import { createZone, type Zone } from './timestamps.ts'

interface LogRouteParts {
  readonly release: Release
  readonly directory: Directory
  readonly store: Store
  readonly pager: Pager
  readonly frame: FormatFrame
  readonly zone: Zone
  readonly retention: Retention
}

/** Answers `/iap/devs/…/logs…`: settings, counts and rows (protocol §3.4, §4). */
export type LogRoutes = (
  call: RestCall,
  filter: (datapoint: Datapoint) => boolean,
  rest: readonly string[],
) => RestAnswer | Promise<RestAnswer> | undefined

/** More rows than this the gateway refuses in one answer: REST is no way to fetch bulk. */
const mostRows = 50_000

export function createLogRoutes(parts: LogRouteParts): LogRoutes {
  const { store, pager, directory } = parts

  function describeSettings(datapoint: Datapoint): object {
    const { deviceId, device, block, index, xif, id, logInterval } = datapoint
    const days = parts.retention.daysOf(datapoint)
    const level = (interval: number, retention: number) => ({ interval, retention, logMultiple: null })
    const root = {
      level1: level(logInterval, days),
      level2: level(3600, Math.max(60, days)),
      level3: level(0, 0),
      minDeltaTime: 0,
      minDeltaValue: 'ALWAYS',
    }
    return { id, deviceId, deviceName: device, blockName: block, blockIndex: index, datapointName: xif, root }
  }

  async function count(
    filter: (datapoint: Datapoint) => boolean,
    range: { after: number; until: number },
  ): Promise<number> {
    let total = 0
    for (const _ of store.read(filter, range.after, range.until)) {
      if (++total % 10_000 === 0) await yieldToOthers()
    }
    return total
  }

  function rows(
    query: URLSearchParams,
    filter: (datapoint: Datapoint) => boolean,
    range: { after: number; until: number },
  ) {
    // Both `sortBy=desc` and `sortBy=<field>&sortOrder=desc` are in use (§5).
    const descending = query.get('sortBy') === 'desc' || query.get('sortOrder') === 'desc'
    const entries = (descending ? store.readBackwards : store.read)(filter, range.after, range.until)
    const page = readCount(query.get('pg'))
    if (page !== undefined && query.get('noxs') === 'true') {
      const size = readCount(query.get('sz')) ?? 100
      return { status: 200, body: [...slice(entries, (page - 1) * size, page * size)].map(describeRow) }
    }
    const all = [...slice(entries, 0, mostRows + 1)]
    if (all.length > mostRows) return problem(500, 'Too many log records, use paging or a time range')
    return { status: 200, body: pager(all.map(describeRow), query) }
  }

  function describeRow(entry: Entry): unknown {
    const row = JSON.parse(parts.frame(entry)) as Record<string, unknown>
    if (!parts.release.oldRestRows) return row
    const { datapoint, ms } = entry
    const plain = (zone: Zone) =>
      `${new Date(ms + zone.offsetMs(ms)).toISOString().slice(0, -1).replace('T', ' ')} ${zone.name}`
    const did = datapoint.qualifier.split('/')[2]
    const times = { local: plain(parts.zone), utc: plain(createZone('UTC')) }
    return { ...row, ...times, deviceId: `${segment}.${did}`, blockIndex: String(datapoint.index) }
  }

  return ({ query }, filter, [what, values, ...more]) => {
    const range = parseRange(values ?? '*')
    if (what === 'value' && values !== undefined && more.length === 0) {
      return range === undefined ? problem(400, `Bad range: ${values}`) : rows(query, filter, range)
    }
    if (what === 'count' && more.length === 0) {
      if (range === undefined) return problem(400, `Bad range: ${values}`)
      return count(filter, range).then(value => ({ status: 200, body: { value } }))
    }
    if (what !== undefined) return undefined
    const logged = directory.datapoints.filter(datapoint => directory.isLogged(datapoint) && filter(datapoint))
    return { status: 200, body: pager(logged.map(describeSettings), query) }
  }
}

function* slice<T>(items: Iterable<T>, from: number, to: number): Generator<T> {
  let at = 0
  for (const item of items) {
    if (at >= to) return
    if (at >= from) yield item
    at += 1
  }
}
