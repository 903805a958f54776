import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One request to a real server, and its answer to the letter. */
export interface Exchange {
  readonly title: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly token?: string
    readonly body?: string
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
}

/** In the order in which one server gave them. */
export function recordedExchanges(name: 'influxdb-2' | 'influxdb-3'): readonly Exchange[] {
  const path = join(import.meta.dirname, '../recordings', `${name}.json`)
  return (JSON.parse(readFileSync(path, 'utf8')) as { exchanges: Exchange[] }).exchanges
}

export function isWrite({ request: { method, path } }: Exchange): boolean {
  return method === 'POST' && /^\/(write|api\/v2\/write|api\/v3\/write_lp)\?/.test(path)
}
