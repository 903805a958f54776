import { createChanges } from './apply-changes.ts'
import { keptCertificate, makeCertificate } from './certificate.ts'
import type { Changes } from './changes.ts'
import { createDeviceRoutes } from './device-routes.ts'
import { createDice } from './dice.ts'
import { createDirectory } from './directory.ts'
import { type Faults, faultSchema } from './faults.ts'
import { createFrameFormat } from './frames.ts'
import { createGatewayClock } from './gateway-clock.ts'
import { createGeneralSockets } from './general-sockets.ts'
import { createHistory, type Entry, type History } from './history.ts'
import { listen } from './listener.ts'
import { createLoadMeter } from './load.ts'
import { createLogRoutes } from './log-routes.ts'
import { createLogService } from './log-service.ts'
import { fillOptions, parseBy, type SimulatorOptions, type SimulatorSettings } from './options.ts'
import { createPace } from './pace.ts'
import { createPager } from './paging.ts'
import { createPeriods, type Periods } from './periods.ts'
import { createRandom, mix } from './random.ts'
import { createRecorder } from './recorder.ts'
import { releases } from './releases.ts'
import { answerRest, type RestParts } from './rest.ts'
import { createRetention } from './retention.ts'
import { createRoutes } from './routes.ts'
import { createScript } from './script.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { buildSite } from './site.ts'
import { countFault, createStats, type Stats } from './stats.ts'
import { createStore, type Store } from './store.ts'
import { createZone, formatMoment } from './timestamps.ts'
import { createUpgrade } from './upgrade.ts'

/** A running gateway. */
export interface Simulator {
  /** `https://127.0.0.1:port` */
  readonly url: string
  readonly port: number
  /** SHA-256 of the certificate, `AB:CD:…`. */
  readonly fingerprint256: string
  readonly certificatePem: string
  /** All that was ever stored: the truth that a database is compared with. */
  readonly history: History
  /** What of it the gateway shows at this moment: pruned entries are gone, late ones not there yet. */
  readonly store: Store
  readonly stats: Stats
  /** The gateway's clock, ms UTC. */
  now(): number
  /** The text frame the log socket sends for an entry. */
  frame(entry: Entry): string
  /** Changes faults from now on; those not named stay. Throws RangeError. */
  setFaults(changes: Faults): void
  /** Makes something happen to the gateway now, see changes.ts. Throws RangeError. */
  change(changes: Changes): void
  /** Holds the CPU at a per cent; undefined lets it follow the load again. */
  setCpu(percent: number | undefined): void
  /** Sends any action on the general-purpose sockets, of one login or of all. */
  emit(action: string, payload: unknown, username?: string): void
  /** Sends one round of status updates on the general-purpose sockets now. */
  sendStatus(): void
  /** Ends every session at once, as a reboot of the gateway does. */
  expireSessions(): void
  /** Cuts every connection and frees the port. Safe to call again: everyone gets the same promise. */
  close(): Promise<void>
}

/** Starts a gateway; resolves when it listens. Throws RangeError for a bad option, and what `listen` throws. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = fillOptions(options)
  const clock = createGatewayClock(settings.now, settings.clockSkewMs)
  const { now } = clock
  const release = releases[settings.release]
  const zone = createZone(settings.zone)
  const showTime = (ms: number) => formatMoment(ms + zone.offsetMs(ms), 0, 3) + zone.suffix(ms)
  const periods = settings.source === undefined ? computeHistory(settings) : undefined
  const history = settings.source ?? periods!
  const recorder = createRecorder(periods, now)
  const retention = createRetention(history, settings)
  const store = createStore(history, retention, now, settings.compare)
  const stats = createStats()
  const sessions = sessionsOf(settings, now)
  const load = createLoadMeter(settings.cost.entriesPerSecond || 50_000)
  const frame = createFrameFormat({ ...settings, release, zone })

  let faults = settings.faults
  let dateSkewMs = settings.dateSkewMs
  const setFaults = (changes: Faults) => {
    faults = parseBy(faultSchema, { ...faults, ...changes })
  }
  // What the steps of the script change is built further down; the first request comes later than that.
  const script = createScript(settings.script, clock.elapsedMs, changes => change(changes))
  const currentFaults = () => faults
  // Each kind of event draws from its own sequence, so that one does not shift the chance of another.
  const rollDice = (purpose: number) =>
    createDice(currentFaults, createRandom(mix(settings.seed, 42, purpose)), fault => countFault(stats, fault))
  const connectionDice = rollDice(1)

  const general = createGeneralSockets({
    ...settings,
    release,
    store,
    load,
    sessions,
    stats,
    now,
    showTime,
    datapoints: history.datapoints,
    dice: rollDice(5),
    script,
  })
  const serveLog = createLogService({
    ...settings,
    store,
    datapoints: history.datapoints,
    release,
    frame,
    pace: createPace(settings.cost),
    load,
    sessions,
    stats,
    faults: currentFaults,
    script,
    now,
  })
  const directory = createDirectory(history, release, showTime(history.start), retention)
  const pager = createPager(rollDice(2))
  const logs = createLogRoutes({ release, directory, store, pager, frame, zone, retention })
  const devices = createDeviceRoutes({ ...settings, release, directory, store, pager, logs, general, showTime })
  const rest: RestParts = {
    ...settings,
    release,
    sessions,
    stats,
    now,
    headerTime: () => now() + dateSkewMs,
    dice: rollDice(3),
    slowness: rollDice(6),
    faults: currentFaults,
    script,
    route: createRoutes({
      release,
      directory,
      devices,
      general,
      recorder,
      load,
      pager,
      now,
      showTime,
      dataLogSize: estimateSize,
    }),
  }

  /** MB, from the number of datapoints and the time they have logged: counting would take too long (protocol §4.1: 400 bytes an entry). */
  function estimateSize(): number {
    const seconds = Math.max(0, now() - Math.max(store.start, settings.historyStart)) / 1000
    return Math.round((history.datapoints.length * seconds * 400) / (3 * settings.interval) / 1e6)
  }

  const { certificate: folder, host } = settings
  const certificate = await (folder === undefined ? makeCertificate(host) : keptCertificate(folder, host))
  const listening = listen({
    certificate,
    host: settings.host,
    port: settings.port,
    rejects: () => connectionDice.strikes('rejectConnection'),
    answer: (request, response) => answerRest(request, response, rest),
    upgrade: createUpgrade({
      ...settings,
      sessions,
      stats,
      dice: rollDice(4),
      faults: currentFaults,
      general,
      serveLog,
      now,
    }),
  })
  listening.catch(general.close)
  const listener = await listening

  const change = createChanges({
    ...{ clock, recorder, directory, frame, sessions, general, setFaults },
    setDateSkew: ms => {
      dateSkewMs = ms
    },
    cut: listener.cut,
  })
  script.look({ kind: 'anything' })

  let closing: Promise<void> | undefined
  return {
    url: `https://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${listener.port}`,
    port: listener.port,
    fingerprint256: certificate.fingerprint256,
    certificatePem: certificate.certificatePem,
    history,
    store,
    stats,
    now,
    frame,
    setFaults,
    change,
    setCpu: load.hold,
    emit: general.emit,
    sendStatus: general.sendStatus,
    expireSessions: sessions.expireAll,
    close() {
      general.close()
      closing ??= listener.close()
      return closing
    },
  }
}

function computeHistory(settings: SimulatorSettings): Periods {
  const { seed, fractionDigits, oddities, historyStart } = settings
  const intervalMs = settings.interval * 1000
  const site = buildSite(settings.devices, { seed, intervalMs, oddities })
  const create = (start: number, period: number) =>
    createHistory(site, {
      seed: period === 0 ? seed : mix(seed, 51, period),
      intervalMs,
      start,
      fractionDigits,
      oddities,
    })
  return createPeriods(create(historyStart, 0), create)
}

function sessionsOf(settings: SimulatorSettings, now: () => number): Sessions {
  const { sessionTimeoutMs: timeoutMs, slidingSessions: sliding, lockAfter, lockMs } = settings
  const accounts = new Map([...Object.entries(settings.accounts), [settings.username, settings.password]])
  return createSessions({ accounts, timeoutMs, sliding, lockAfter, lockMs }, now)
}
