import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { keepHeapSmall } from '../../src/cli/heap.ts'
import { systemClock } from '../../src/cli/system-clock.ts'
import { DeadLetterBox } from '../../src/dead-letters/dead-letters.ts'
import type { TimeRange } from '../../src/domain/range.ts'
import { transfer } from '../../src/pipeline/transfer.ts'
import { compileMapping } from '../../src/points/mapping.ts'
import { openInfluxSink } from '../../src/sinks/influxdb/influx-sink.ts'
import { Gateway } from '../../src/smartserver/gateway.ts'
import type { PeerOutput } from './peer.ts'

export interface ClientInput {
  readonly peer: PeerOutput
  readonly range: TimeRange
  /** The request of that range, for a client that does not make its own. */
  readonly path: string
}

export interface ClientOutput {
  readonly entries: number
  /** Seconds, user and system, from the login to the end of the process: loading of modules left out. */
  readonly cpu: number
}

/** Our pipeline: one request carried all the way. */
const { peer, range } = JSON.parse(process.argv[2] ?? '') as ClientInput
const clock = systemClock
const log = pino({ level: 'silent' })
const { signal } = new AbortController()
const letters = mkdtempSync(join(tmpdir(), 'smartserver-etl-bench-'))

keepHeapSmall()
const before = process.cpuUsage()
const source = new Gateway({
  name: 'g',
  url: peer.gateway.url,
  username: 'etl',
  password: 'secret',
  tls: { kind: 'none' },
  idleTimeout: 60_000,
  clock,
})
const sink = await openInfluxSink(
  { url: peer.databaseUrl, version: 2, org: 'site', bucket: 'bench', token: 'secret', timeout: 30_000 },
  { clock, log },
)
const receipt = await transfer(
  { gateway: 'g', selectors: [{}], range },
  {
    source,
    sink,
    clock,
    mapping: compileMapping('g', [{ selector: {}, measurement: 'datalog', field: undefined, tags: {} }]),
    deadLetters: new DeadLetterBox({ path: letters, maxSize: 1e9 }, clock),
    limit: { mostEntries: Number.POSITIVE_INFINITY, canBeShorter: false },
    judge: () => false,
    record() {},
  },
  signal,
)
await sink.close()
await source.close()
rmSync(letters, { recursive: true })
// at the same moment as by hand
process.once('exit', () => {
  const { user, system } = process.cpuUsage(before)
  const output: ClientOutput = { entries: receipt.written, cpu: (user + system) / 1e6 }
  console.log(JSON.stringify(output))
})
