import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { openApp, runApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import { selectorLabel } from '../domain/datapoint.ts'
import { makeFolder } from '../durable/folder.ts'
import type { Simulator } from '../simulator/simulator.ts'
import { startSimulator } from '../simulator/simulator.ts'
import type { CommandContext, CommandHost } from './context.ts'
import { coverageBar } from './coverage-bar.ts'
import { commandFailure } from './failures.ts'
import { countText, rangeText } from './format.ts'
import { exitCodeOf, tellOutcome } from './outcome.ts'
import { Progress } from './progress.ts'

const dayMs = 86_400_000
const days = 30
/** A gateway of middling speed: 30 days take some seconds, long enough to see them pass and to press Ctrl-C. */
const gateway = { seed: 7, devices: 14, interval: 300, cost: { secondsPerRequest: 0.1, entriesPerSecond: 20_000 } }
const barWidth = 30

export function registerDemo(program: Command, host: CommandHost): void {
  program
    .command('demo')
    .description('the main job on a simulated gateway, into data/demo')
    .action(() => host.run(demo))
}

/** The main job on a simulated gateway: 30 days into the embedded database. */
async function demo(context: CommandContext): Promise<number> {
  const { terminal, clock, log, signal, cwd } = context
  // up to midnight, so that a second run on the same day finds nothing new
  const until = Math.floor(clock.now() / dayMs) * dayMs
  const range = { after: until - days * dayMs, until }
  await using opened = new AsyncDisposableStack()
  const options = { ...gateway, now: clock.now, historyStart: range.after - dayMs }
  const simulator = opened.adopt(await startSimulator(options), it => it.close())
  const folder = join(cwd, 'data', 'demo')
  const file = writeConfig(folder, simulator)
  const config = loadConfig(file, {})
  const app = opened.adopt(await openApp(config, 'demo', { clock, log }), it => it.close())
  const progress = opened.adopt(new Progress(terminal, clock), it => it.close())
  const shown = (path: string) => relative(cwd, path)
  const selectors = config.gateways[0]!.datapoints.map(({ selector }) => selector)
  terminal.out(
    `A simulated SmartServer listens at ${simulator.url}: ${history(simulator)}.`,
    `Backfilling ${days} days (${rangeText(range)} UTC) of ${selectors.length} datapoints into ${shown(join(folder, 'points.db'))}.`,
    'Ctrl-C stops it; the same command continues from there.',
    '',
  )
  const demand = { kind: 'once', ...range } as const
  const outcome = await runApp(app, config, { demand, keptMs: undefined, observe: progress.observe }, signal)
  progress.close()
  const ending = { ...outcome, deadLetters: app.deadLetters.count(['demo'], range) }
  tellOutcome(ending, shown(join(folder, 'points.db')), terminal)
  terminal.out('')
  const coverage = app.ledger.coverage.of({ sink: app.sink.id, gateway: 'demo' }, selectors)
  const stored = new Map(readStored(join(folder, 'points.db')).map(row => [row.label, row]))
  const widest = Math.max(...selectors.map(selector => selectorLabel(selector).length))
  terminal.out(
    `${'datapoint'.padEnd(widest)}  ${'entries'.padStart(7)}  ${'first (UTC)'.padEnd(16)}  ${'last (UTC)'.padEnd(16)}  coverage`,
  )
  for (const selector of selectors) {
    const label = selectorLabel(selector)
    const { count = 0, first = '', last = '' } = stored.get(label) ?? {}
    terminal.out(
      `${label.padEnd(widest)}  ${countText(count).padStart(7)}  ${first.padEnd(16)}  ${last.padEnd(16)}  ${coverageBar(coverage.get(selector)!, range, barWidth)}`,
    )
  }
  terminal.out(...nextSteps(shown(join(folder, 'points.db')), shown(file)))
  return exitCodeOf(ending)
}

function history({ history: { devices, datapoints } }: Simulator): string {
  return `${devices.length} devices, ${datapoints.length} logged datapoints`
}

/** A configuration as a user would write it, so that the other commands can be tried on the demo's data. */
function writeConfig(folder: string, { url, fingerprint256, history: { datapoints } }: Simulator): string {
  const file = join(folder, 'smartserver-etl.yaml')
  const settings = {
    gateways: {
      demo: {
        url,
        username: 'etl',
        password: 'secret',
        tls: { fingerprint256 },
        limits: { pause: '50ms', requestsPerMinute: 600 },
        datapoints: datapoints.map(
          ({ device, block, index, name, xif }) => `${device}/${block}/${index}/${name ?? xif}`,
        ),
      },
    },
    sink: { sqlite: { path: 'points.db' } },
    ledger: 'ledger.db',
    // what status measures against
    sync: { since: `${days + 1}d` },
  }
  try {
    makeFolder(folder)
    writeFileSync(
      file,
      `# Written by the demo. The gateway exists while the demo runs; "status" works at any time.\n${stringify(settings)}`,
      { mode: 0o600 },
    )
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw commandFailure('cannot-write', `the demo's folder ${folder} cannot be written (${code})`, { cause: error })
  }
  return file
}

interface Stored {
  readonly label: string
  readonly count: number
  readonly first: string
  readonly last: string
}

/** Read from the database, not from our own counts: what a user would find there. */
function readStored(path: string): Stored[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database
    .prepare(
      `SELECT device || '/' || block || '/' || "index" || '/' || datapoint AS label, count(DISTINCT time_ns) AS count,
         min(time) AS first, max(time) AS last
       FROM datalog GROUP BY gateway, device, block, "index", datapoint`,
    )
    .all()
    .map(row => ({
      label: String(row['label']),
      count: Number(row['count']),
      first: String(row['first']).slice(0, 16).replace('T', ' '),
      last: String(row['last']).slice(0, 16).replace('T', ' '),
    }))
  database.close()
  return rows
}

function nextSteps(points: string, config: string): string[] {
  return [
    '',
    'Try next:',
    `  sqlite3 -box ${points} "SELECT time, device, datapoint, number FROM datalog WHERE datapoint LIKE 'nvoLux%' ORDER BY time DESC LIMIT 5"`,
    `  npm run -s etl -- status --config ${config}`,
    '  ./scripts/demo            again: transfers nothing, because the ledger proves every range complete',
    `  rm -r ${relative('.', points).replace(/\/[^/]*$/, '')} && ./scripts/demo   from the start: press Ctrl-C midway, run it again, and it continues`,
  ]
}
