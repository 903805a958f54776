import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { systemClock } from '../../src/cli/system-clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Failure } from '../../src/domain/failure.ts'
import { noFaults } from '../../src/simulator/faults.ts'
import { usualHabits } from '../../src/simulator/habits.ts'
import type { Entry } from '../../src/simulator/history.ts'
import { noOddities } from '../../src/simulator/oddities.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { Gateway } from '../../src/smartserver/gateway.ts'
import { expectSame } from '../support/comparison.ts'
import { openSite, type Running, runProgram, startProgram } from '../support/program.ts'
import { cellsOfSqlite } from '../support/stored-cells.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { expectedCells } from '../support/truth.ts'

const hourMs = 3_600_000
const start = Date.parse('2026-03-01T00:00:00Z')
const signal = new AbortController().signal

/** The simulator as a user starts it, with the configuration that it prints. */
async function startSimulate(args: readonly string[], cwd = temporaryFolder()) {
  const running = startProgram(['simulate', '--port', '0', ...args], { cwd })
  onTestFinished(async () => {
    await stop(running)
  })
  await untilPrinted(running, 'Ctrl-C stops it.')
  const snippet = /^gateways:\n(?: .*\n)+/m.exec(running.printed())?.[0] ?? ''
  return { running, snippet, settings: parse(snippet).gateways.simulated as { url: string; datapoints: string[] } }
}

async function untilPrinted({ child, printed, ended }: Running, text: string): Promise<void> {
  while (!printed().includes(text)) {
    const over = await Promise.race([ended, once(child.stdout!, 'data').then(() => undefined)])
    if (over !== undefined) throw new Error(`ended with ${over.code}: ${over.stderr}`)
  }
}

async function stop({ child, ended }: Running, how: NodeJS.Signals = 'SIGINT') {
  if (child.exitCode === null) child.kill(how)
  return await ended
}

/** Reaches it as the printed lines say, read as the program reads them. */
async function reach(snippet: string): Promise<Gateway> {
  const site = await openSite()
  onTestFinished(site.remove)
  await writeFile(site.file, snippet)
  const gateway = new Gateway({
    ...loadConfig(site.file, {}).gateways[0]!,
    clock: systemClock,
    batch: { frames: 1, bytes: 1e6 },
  })
  onTestFinished(() => gateway.close())
  return gateway
}

async function ask(url: string, method: string, body?: string): Promise<IncomingMessage> {
  const sent = request(url, { method, headers: { 'content-type': 'application/json' }, rejectUnauthorized: false })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  return answer
}

/** The frames of the hour after `start`, and the code of the failure if it ends in one. */
async function readHour(gateway: Gateway) {
  const frames: Record<string, unknown>[] = []
  const request = { gateway: 'g', selectors: [{}], range: { after: start, until: start + hourMs } } as const
  try {
    for await (const batch of gateway.readDataLog(request, signal))
      for (const frame of batch) frames.push(JSON.parse(frame))
    return { frames, failed: undefined }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { frames, failed: error.code }
  }
}

async function devicesOf(gateway: Gateway): Promise<number> {
  const { body } = await gateway.call({ method: 'GET', path: '/iap/devs' }, signal)
  return (JSON.parse(body) as { category: string }[]).filter(({ category }) => category !== 'SC').length
}

describe('the simulated gateway', { timeout: 30_000 }, () => {
  test('is as its flags say, and the lines that it prints lead to it', async () => {
    const { snippet } = await startSimulate([
      ...[
        '--username',
        'o: #$1',
        '--password',
        '"${no}',
        '--release',
        '3.20.114',
        '--devices',
        '2',
        '--interval',
        '60',
      ],
      ...['--history-start', '2026-01-01', '--zone', 'Europe/Berlin', '--clock-skew', '-1h', '--session-timeout', '7m'],
      ...['--fault', 'noEnd=1', '--fault', 'noEndCodes=1000', '--fault', 'strikeWithin=100000'],
      ...['--oddity', 'nullValues=1', '--oddity', 'awkwardNames=1', '--fraction-digits', '6'],
    ])
    const gateway = await reach(snippet)
    expect(await gateway.hello(signal)).toEqual({ release: '3.20.114' })
    expect(await devicesOf(gateway)).toBe(2)
    expect(Math.round(gateway.clock.offsetMs! / 60_000)).toBe(-60)
    const timeout = await gateway.call({ method: 'GET', path: '/iap/auth/sessionTimeout' }, signal)
    expect(timeout.body).toBe('420000')
    const { frames, failed } = await readHour(gateway)
    expect(failed).toBe('no-end')
    expect(frames.length).toBeGreaterThan(5)
    for (const { value, utc, local } of frames) {
      expect(value).toBeNull()
      expect(utc).toMatch(/^2026-03-01T00:\d\d:\d\d\.\d{6}Z\[UTC\]$/)
      expect(local).toMatch(/\+01:00\[Europe\/Berlin\]$/)
    }
  })

  test('takes any option from a file, and a flag before the file', async () => {
    const folder = temporaryFolder()
    const options = join(folder, 'options.yaml')
    await writeFile(
      options,
      'devices: 3\nrelease: "3.60"\nhistoryStart: 2026-01-01\naccounts: { second: word }\n' +
        'expiredAnswer: html\nfaults: { noEnd: 1, strikeWithin: 1, noEndCodes: [1011] }\noddities: { stringIds: 1 }\n',
    )
    const { snippet } = await startSimulate(
      [
        '--options',
        options,
        '--username',
        'second',
        '--password',
        'word',
        '--fault',
        'noEnd=0',
        '--oddity',
        'booleans=1',
      ],
      folder,
    )
    const gateway = await reach(snippet)
    expect(await gateway.hello(signal)).toEqual({ release: '3.60.012' })
    expect(await devicesOf(gateway)).toBe(3)
    const { frames, failed } = await readHour(gateway)
    expect(failed).toBeUndefined()
    expect(frames.length).toBeGreaterThan(5)
    for (const { value, blockIndex } of frames) expect([typeof value, typeof blockIndex]).toEqual(['boolean', 'string'])
  })

  test('takes a habit from a flag, adds to what the file says, and shows it', async () => {
    const folder = temporaryFolder()
    await writeFile(join(folder, 'options.yaml'), 'accounts: { first: one }\nlockAfter: 9\n')
    const { settings } = await startSimulate(
      [
        ...['--options', 'options.yaml', '--set', 'accounts.second=t=wo', '--set', 'expiredAnswer=redirect'],
        ...['--set', 'upgradeRefusal=403', '--set', 'lockAfter=1', '--set', 'lockMs=90m', '--devices', '2'],
      ],
      folder,
    )
    const tried = async (username: string, password: string) => {
      const body = JSON.stringify({ username, password })
      return (await ask(`${settings.url}/iap/auth/login`, 'POST', body)).statusCode
    }
    expect(await tried('first', 'one')).toBe(200)
    expect(await tried('second', 't=wo')).toBe(200)
    const expired = await ask(`${settings.url}/iap/devs`, 'GET')
    expect([expired.statusCode, expired.headers.location]).toEqual([302, '/cms'])
    expect(await tried('second', 'wrong')).toBe(429)
  })

  test('knows every fault, oddity and habit as a flag, and its help tells them all', async () => {
    const shown = (value: unknown) => (Array.isArray(value) ? value.join(',') : String(value))
    const flags = (flag: string, defaults: object) =>
      Object.entries(defaults)
        .filter(([, value]) => typeof value !== 'object' || Array.isArray(value))
        .flatMap(([name, value]) => [flag, `${name}=${shown(value)}`])
    await startSimulate([
      ...flags('--fault', noFaults),
      ...flags('--oddity', noOddities),
      ...flags('--set', usualHabits),
      ...['--set', 'accounts.second=word', '--set', 'retentions.Multi-Sensor=14d'],
    ])
    const { code, stdout } = await runProgram(['simulate', '--help'])
    expect(code).toBe(0)
    for (const [name, value] of Object.entries({ ...noFaults, ...noOddities, ...usualHabits })) {
      const usual = shown(value).replace('[object Object]', 'none')
      expect(stdout.replace(/\n {3,}/g, ' ')).toMatch(new RegExp(`^  ${name} {2,}\\S.*\\(default: ${usual}\\)$`, 'm'))
    }
  })

  test('keeps its certificate in a folder, over restarts', async () => {
    const folder = temporaryFolder()
    const fingerprint = async () => {
      const { running, snippet } = await startSimulate(['--devices', '1', '--certificate', 'kept'], folder)
      await (await reach(snippet)).hello(signal)
      await stop(running)
      return /fingerprint256: "(.*)"/.exec(snippet)?.[1]
    }
    const first = await fingerprint()
    expect(first).toMatch(/^[0-9A-F:]{95}$/)
    expect(await fingerprint()).toBe(first)
    expect((await stat(join(folder, 'kept', 'key.pem'))).mode & 0o777).toBe(0o600)
  })

  test('warns once where others can reach it with its default password', async () => {
    const warned = async (args: readonly string[]) => {
      const { running } = await startSimulate(['--devices', '1', ...args])
      return (await stop(running)).stderr.split('\n').filter(line => line.includes('default password'))
    }
    expect(await warned(['--host', '0.0.0.0'])).toHaveLength(1)
    expect(await warned(['--host', '0.0.0.0', '--password', 'own'])).toEqual([])
    expect(await warned([])).toEqual([])
  })

  test.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])('ends well with %s', async how => {
    const { running } = await startSimulate([])
    expect(await stop(running, how)).toMatchObject({ code: 0, stderr: '' })
  })

  test('says in one line that its port is taken', async () => {
    const { settings } = await startSimulate([])
    const { code, stderr } = await runProgram(['simulate', '--port', new URL(settings.url).port])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^the simulator cannot listen: .*EADDRINUSE.*\n {2}Choose another --port.*\n$/)
  })
})

describe.concurrent('what makes no sense is refused with exit code 2 and one line that names it', () => {
  test.for<[string, string[], string | undefined, RegExp]>([
    ['a fault that does not exist', ['--fault', 'noend=1'], undefined, /noend.*did you mean noEnd\?/],
    ['a fault without a value', ['--fault', 'noEnd'], undefined, /'noEnd'.*name=value/],
    ['a fault out of range', ['--fault', 'noEnd=2'], undefined, /noEnd must be a number between 0 and 1, not 2/],
    [
      'a list with a wrong item',
      ['--fault', 'refuseWith=503,200'],
      undefined,
      /refuseWith\.1 must be one of 302, .*not 200/,
    ],
    [
      'an oddity that is no number',
      ['--oddity', 'late=often'],
      undefined,
      /late must be a number between 0 and 1, not "often"/,
    ],
    ['a habit that does not exist', ['--set', 'expiredAnswr=html'], undefined, /did you mean expiredAnswer\?/],
    [
      'a habit that is none of the choices',
      ['--set', 'expiredAnswer=403'],
      undefined,
      /one of 401, 503, redirect, html/,
    ],
    ['a habit that is no truth', ['--set', 'slidingSessions=yes'], undefined, /must be true or false, not "yes"/],
    ['a habit that is no time', ['--set', 'lockMs=long'], undefined, /lockMs must be a number between .*"long"/],
    ['a mapping without its name', ['--set', 'accounts=me'], undefined, /Write it as accounts\.NAME=value/],
    ['a name where there is no mapping', ['--set', 'lockMs.x=1'], undefined, /Write it as lockMs=value/],
    ['a flag out of range', ['--devices', '1000000'], undefined, /devices must be an integer between 0 and 100000/],
    ['a zone that does not exist', ['--zone', 'Mars/Base'], undefined, /zone must be .*"Mars\/Base"/],
    ['a duration without a unit', ['--clock-skew', '5'], undefined, /--clock-skew.*duration/],
    ['a recording and its opposite', ['--csv', 'a', '--devices', '3'], undefined, /--csv.*--devices/],
    ['a file that is not there', ['--options', 'none.yaml'], undefined, /none\.yaml: there is no such file/],
    ['a capture that is not there', ['--replay', 'none'], undefined, /none: there is no such file/],
    ['an option that does not exist', ['--options', 'file'], 'device: 3', /file: unknown option "device"/],
    ['an option out of range', ['--options', 'file'], 'oddities: { late: 7 }', /file: oddities\.late must be/],
    [
      'a release that YAML takes for a number',
      ['--options', 'file'],
      'release: 4.10',
      /file: release must be in quotes/,
    ],
    ['a time that is none', ['--options', 'file'], 'historyStart: soon', /file: historyStart "soon"/],
    ['a file that is no YAML', ['--options', 'file'], 'a: [1', /file:1:\d+: /],
    ['a capture that is none', ['--replay', 'file'], '{"frame":"x"}', /file: line 1: not the header/],
    ['a CSV without its columns', ['--csv', 'file'], 'time,value', /file: line 1: missing column device/],
    [
      'a CSV with a broken time',
      ['--csv', 'file'],
      'time,device,block,index,datapoint,value\nnoon,a,b,0,c,1',
      /line 2.*noon/,
    ],
  ])('%s', async ([_, args, content, said], { expect }) => {
    const site = await openSite()
    try {
      if (content !== undefined) await writeFile(join(site.folder, 'file'), content)
      const { code, stdout, stderr } = await runProgram(['simulate', ...args], { cwd: site.folder })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      const [first = '', ...others] = stderr.trimEnd().split('\n')
      expect(first).toMatch(said)
      // a second line only says what to do
      expect(others.length).toBeLessThanOrEqual(1)
      expect(stderr).not.toMatch(/^\s+at /m)
    } finally {
      await site.remove()
    }
  })
})

describe('a recording', { timeout: 60_000 }, () => {
  const until = start + 6 * hourMs
  const entriesOf = ({ history }: Simulator) => [...history.merged(() => true, start, until)]

  async function startOriginal(): Promise<Simulator> {
    const oddities = { awkwardNames: 0.5, nullValues: 0.05, sameMs: 0.1 }
    const original = await startSimulator({ devices: 4, historyStart: start - hourMs, fractionDigits: 6, oddities })
    onTestFinished(() => original.close())
    return original
  }

  /** Serves the file, fetches all of it with the program, and compares what the database holds with the original. */
  async function expectServed(folder: string, args: readonly string[], original: Simulator): Promise<Gateway> {
    const { snippet, settings } = await startSimulate(args, folder)
    const site = await openSite({
      gateways: { g: { ...settings, datapoints: ['*/*/*/*'], limits: { pause: '0ms', requestsPerMinute: 600 } } },
      sink: { sqlite: { path: 'points.db' } },
      ledger: 'ledger.db',
    })
    onTestFinished(site.remove)
    const range = ['--from', new Date(start).toISOString(), '--to', new Date(until).toISOString()]
    const { code, stdout, stderr } = await runProgram(['-c', site.file, 'backfill', '--json', ...range])
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 })
    expect(JSON.parse(stdout)).toMatchObject({ complete: true, received: entriesOf(original).length, rejected: 0 })
    expectSame(cellsOfSqlite(join(site.folder, 'points.db')), expectedCells(original.history, start, until))
    return await reach(snippet)
  }

  test('of raw frames is served as it was made, with the habits of its release', async () => {
    const original = await startOriginal()
    const folder = temporaryFolder()
    const parts = [
      { capture: 1, gateway: 'plant', release: '3.61.002', at: new Date(until).toISOString() },
      { request: { query: '/iap/ws?value=x', after: start, until } },
      ...entriesOf(original).map(entry => ({ frame: original.frame(entry) })),
      { frame: '"end"' },
      { close: 1000, end: true },
    ]
    await writeFile(join(folder, 'plant.jsonl'), parts.map(part => JSON.stringify(part)).join('\n'))
    const gateway = await expectServed(folder, ['--replay', 'plant.jsonl'], original)
    expect((await gateway.hello(signal)).release).toMatch(/^3\.60\./)
    const chosen = await startSimulate(['--replay', 'plant.jsonl', '--release', '2.80'], folder)
    expect((await (await reach(chosen.snippet)).hello(signal)).release).toMatch(/^2\.80\./)
  })

  test('in a CSV file becomes the history', async () => {
    const original = await startOriginal()
    const folder = temporaryFolder()
    const quoted = (cell: string | number) => `"${String(cell).replaceAll('"', '""')}"`
    const row = ({ datapoint, utcText, valueText }: Entry) => {
      const { device, block, index, name, xif } = datapoint
      return [`${utcText}Z`, device, block, index, name ?? xif, valueText].map(quoted).join(',')
    }
    const lines = ['time,device,block,index,datapoint,value', ...entriesOf(original).map(row)]
    await writeFile(join(folder, 'log.csv'), lines.join('\r\n'))
    await expectServed(folder, ['--csv', 'log.csv'], original)
    expect(await readFile(join(folder, 'log.csv'), 'utf8')).toMatch(/""/)
  })
})
