import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { PeerOutput } from './peer.ts'

/** A folder with a configuration that leads to a peer; all else is the program's default. */
export interface BenchSite {
  readonly folder: string
  readonly file: string
  remove(): Promise<void>
}

/** Without the politeness: what is measured is the program, not its pauses. */
const unlimited = { pause: '0ms', requestsPerMinute: 600, pauseAboveCpu: 'off' }

export async function openBenchSite({ gateway, datapoints, databaseUrl }: PeerOutput): Promise<BenchSite> {
  const folder = await mkdtemp(join(tmpdir(), 'smartserver-etl-bench-'))
  const file = join(folder, 'smartserver-etl.yaml')
  const settings = {
    gateways: {
      g: {
        url: gateway.url,
        username: 'etl',
        password: 'secret',
        tls: { fingerprint256: gateway.fingerprint256 },
        limits: unlimited,
        datapoints,
      },
    },
    sink: { influxdb: { url: databaseUrl, org: 'site', bucket: 'bench', token: 'secret' } },
  }
  await writeFile(file, stringify(settings))
  return { folder, file, remove: () => rm(folder, { recursive: true, force: true }) }
}
