import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/cli/system-clock.ts'
import type { Clock } from '../../src/domain/clock.ts'
import type { Selector } from '../../src/domain/datapoint.ts'
import { emptyReceipt } from '../../src/domain/receipt.ts'
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts'
import { takePiece } from '../../src/planning/backlog.ts'
import { groupKey } from '../../src/planning/grouping.ts'
import { type PlannedGateway, planRun } from '../../src/planning/plan.ts'
import { firstWindow } from '../../src/planning/window.ts'
import type { Row } from './table.ts'

const minuteMs = 60_000
const yearMs = 365.25 * 24 * 60 * minuteMs
const now = Date.UTC(2026, 5, 1)
const place = { sink: 'influxdb:http://localhost:8086/site/bench', gateway: 'plant-a' }
const requests = {
  entries: 50_000,
  shortest: minuteMs,
  longest: 30 * 24 * 60 * minuteMs,
  per: 'auto',
  order: 'oldest',
} as const
const maturity = { settle: 2 * minuteMs, lateness: 60 * minuteMs }
const syncEvery = 5 * minuteMs
/** Passes that are really made: longer than anything a ledger remembers of its way here. */
const passes = 60

/** A thousand datapoints, three a device. */
const selectors = Array.from(
  { length: 1_000 },
  (_, i): Selector => ({
    device: { name: `Sensor ${Math.floor(i / 3)}` },
    block: 'LightSensor',
    index: 0,
    point: { name: ['nvoLuxLevel', 'nvoTemperature', 'Occupancy'][i % 3]! },
  }),
)

/** Ten years of a thousand datapoints: how soon the work begins, and what the ledger makes of having done it. */
export async function measureTenYears(say: (text: string) => void): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'smartserver-etl-bench-'))
  try {
    const path = join(folder, 'ledger.db')
    const empty = planFirst(path, now)
    fillLedger(path)
    say(`the ten years in one piece for each datapoint, then ${passes} passes of a sync as they are`)
    const kilobytes = Math.round(statSync(path).size / 1024)
    const begun = performance.now()
    const ledger = openLedger(path, systemClock)
    const opened = performance.now() - begun
    ledger.coverage.of(place, selectors)
    const covered = performance.now() - begun
    ledger.close()
    const full = planFirst(path, now + (passes + 1) * syncEvery)
    return [
      {
        name: 'Ten years of 1,000 datapoints: first request planned',
        measured: `${empty.toFixed(0)} ms with nothing done, ${full.toFixed(0)} ms with all done`,
        target: '≤ 1 s',
        isMet: Math.max(empty, full) <= 1_000,
        numbers: { empty, full },
      },
      {
        name: 'Ledger after ten years of syncs every 5 min',
        measured: `${kilobytes.toLocaleString('en')} KB`,
        target: '≤ 2 MB',
        isMet: kilobytes <= 2_048,
        numbers: { kilobytes },
      },
      {
        name: 'Ledger opened',
        measured: `${opened.toFixed(1)} ms; with the coverage of all datapoints read ${covered.toFixed(0)} ms`,
        target: 'milliseconds',
        isMet: opened < 50,
        numbers: { opened, covered },
      },
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** From opening the ledger to the first piece in hand, ms. */
function planFirst(path: string, at: number): number {
  const begun = performance.now()
  const ledger = openLedger(path, systemClock)
  const sinceMs = at - now + 10 * yearMs
  const options = { sink: place.sink, now: at, keptMs: undefined }
  const { backlog } = planRun({ kind: 'sync', sinceMs }, gatewayAt(at), ledger, options)
  const piece = takePiece(backlog, { order: requests.order, windowOf: () => firstWindow(requests) })
  const took = performance.now() - begun
  ledger.close()
  if (piece === undefined) throw new Error('nothing was planned')
  return took
}

function gatewayAt(at: number): PlannedGateway {
  return { name: place.gateway, now: at, selectors, unknown: [], barred: [], requests, maturity }
}

/**
 * All that was done until an hour ago is final, as many small ranges are that have merged; what came after is recorded
 * transfer by transfer, with re-reads, as the pipeline does it.
 */
function fillLedger(path: string): void {
  let at = now
  const clock: Clock = { now: () => at, elapsed: () => at, sleep: systemClock.sleep }
  const ledger = openLedger(path, clock)
  ledger.owner.take('bench')
  const byDevice = Map.groupBy(selectors, selector => groupKey(selector, 'auto'))
  for (const [group, [first, ...others]] of byDevice)
    complete(ledger, group, [first!, ...others], { after: now - 10 * yearMs, until: now - maturity.lateness }, false)
  for (let pass = 1; pass <= passes; pass++) {
    at = now + pass * syncEvery
    const sinceMs = at - now + 10 * yearMs
    const options = { sink: place.sink, now: at, keptMs: undefined }
    const { backlog } = planRun({ kind: 'sync', sinceMs }, gatewayAt(at), ledger, options)
    const choice = { order: requests.order, windowOf: () => firstWindow(requests) }
    for (let piece = takePiece(backlog, choice); piece !== undefined; piece = takePiece(backlog, choice))
      complete(ledger, piece.group, piece.selectors, piece.range, piece.provisional)
  }
  ledger.close()
}

function complete(
  ledger: Ledger,
  group: string,
  selectors: readonly [Selector, ...Selector[]],
  range: { readonly after: number; readonly until: number },
  provisional: boolean,
): void {
  ledger.complete({
    sink: place.sink,
    request: { gateway: place.gateway, selectors, range },
    provisional,
    receipt: { ...emptyReceipt(), received: 3, written: 3, bytes: 1_500, tookMs: 40 },
    points: selectors.map(() => 1),
    window: { group, ms: firstWindow(requests) },
  })
}
