import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry } from '../../src/simulator/history.ts'
import type { SimulatorOptions } from '../../src/simulator/options.ts'
import { type Influxd, openInfluxd } from '../support/influxd.ts'
import { openSite, type Site } from '../support/program.ts'
import { cellsOfInfluxd, cellsOfSqlite, cellsOfVictoriaMetrics } from '../support/stored-cells.ts'
import { allDatapoints, type Cell, gatewaySettings } from '../support/truth.ts'
import { openVictoriaMetrics } from '../support/victoria-metrics.ts'
import { openRestartableGateway, type RestartableGateway } from './restartable-gateway.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'

export type SinkKind = 'influxdb' | 'victoria-metrics' | 'sqlite'

export interface StageOptions {
  readonly sink: SinkKind
  readonly gateway: SimulatorOptions & { readonly historyStart: number; readonly seed: number }
  /** The rest of the configuration. */
  readonly settings: object
  readonly sockets: number
}

/** Everything that a run of the program meets, and that can be hurt. */
export interface Stage {
  readonly gateway: RestartableGateway
  /** The database's process; undefined: the sink is a file. */
  readonly server: Pick<Influxd, 'signal' | 'stop' | 'start'> | undefined
  /** False: what was acknowledged shortly before the database was killed is taken back later, when the program has noticed. */
  readonly isDurableAtOnce: boolean
  /** Whether the database is to hold these entries. */
  readonly isWanted: (entry: Entry) => boolean
  readonly site: Site
  /** The disk that the ledger is on, and the file of an SQLite sink; undefined where none can be mounted. */
  readonly disk: SmallDisk | undefined
  /** Everything that the database holds now. */
  stored(): Promise<Cell[]>
  /** The folder of the dead letters. */
  readonly letters: string
  /** Files of transfers that were never completed. */
  drafts(): readonly string[]
  close(): Promise<void>
}

/** Datapoints of the simulator that log nothing but numbers. */
const numbers = ['/nvoLuxLevel', '/nvoTemperature', '/Space Temp', '/nvoPower', '/nvoRunHours']

/** Bytes enough for all that a part writes: full is only what is filled on purpose. */
const diskMegabytes = 96

let whyNoDisk: string | undefined

/** Undefined, or why no disk can be filled here. */
export function diskHindrance(): string | undefined {
  try {
    openSmallDisk(1).close()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
  }
}

export async function openStage({ sink, gateway: options, settings, sockets }: StageOptions): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const gateway = await openRestartableGateway(options)
  opened.defer(() => gateway.stop())
  const influxd = sink === 'influxdb' ? await openInfluxd({ database: 'site' }) : undefined
  opened.defer(async () => influxd?.close())
  const victoria = sink === 'victoria-metrics' ? await openVictoriaMetrics() : undefined
  opened.defer(async () => victoria?.close())
  // it keeps numbers alone
  const isHeld = (name: string) => victoria === undefined || numbers.some(end => name.endsWith(end))
  const site = await openSite()
  opened.defer(() => site.remove())
  const disk = openDisk()
  opened.defer(() => disk?.close())
  const folder = disk?.folder ?? site.folder
  const points = join(folder, 'points.db')
  const letters = join(folder, 'dead-letters')
  await site.configure({
    gateways: {
      g: {
        ...gatewaySettings(gateway.current, allDatapoints(gateway.current).filter(isHeld).map(ofAnyKind), { sockets }),
        // each start of the simulator makes a new certificate; pinning has its own tests
        tls: { verify: false },
        idleTimeout: '1s',
      },
    },
    sink:
      influxd !== undefined
        ? { influxdb: { version: 1, url: influxd.url, database: 'site', timeout: '2s' } }
        : victoria !== undefined
          ? { influxdb: { server: 'victoria-metrics', url: victoria.url, timeout: '2s' } }
          : { sqlite: { path: points } },
    ledger: join(folder, 'ledger.db'),
    ...settings,
  })
  const kept = opened.move()
  return {
    gateway,
    server: influxd ?? victoria,
    isDurableAtOnce: victoria === undefined,
    isWanted: ({ datapoint: { device, block, index, name, xif } }) =>
      isHeld(`${device}/${block}/${index}/${name ?? xif}`),
    site,
    disk,
    letters,
    async stored() {
      if (influxd !== undefined) return await cellsOfInfluxd(influxd, 'site')
      if (victoria !== undefined) return await cellsOfVictoriaMetrics(victoria)
      return existsSync(points) ? cellsOfSqlite(points) : []
    },
    drafts() {
      return existsSync(letters) ? readdirSync(letters).filter(name => name.endsWith('.draft')) : []
    },
    close: () => kept.disposeAsync(),
  }
}

function openDisk(): SmallDisk | undefined {
  whyNoDisk ??= diskHindrance() ?? ''
  return whyNoDisk === '' ? openSmallDisk(diskMegabytes) : undefined
}

/** Strange data: now a number, now a structure. */
function ofAnyKind(name: string): object {
  const [device, block, index, datapoint] = name.split('/')
  return { device, block, index: Number(index), datapoint, type: 'any' }
}
