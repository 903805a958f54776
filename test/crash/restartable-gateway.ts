import { setTimeout as pause } from 'node:timers/promises'
import { type Faults, noFaults } from '../../src/simulator/faults.ts'
import type { History } from '../../src/simulator/history.ts'
import type { SimulatorOptions } from '../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'

/** A gateway that can be turned off and on again: the same log at the same address, all logins lost. */
export interface RestartableGateway {
  /** The running one: another object after each restart, with another certificate. */
  readonly current: Simulator
  /** The truth; the same after a restart. */
  readonly history: History
  hurt(faults: Faults): void
  heal(): void
  stop(): Promise<void>
  start(): Promise<void>
}

/** `historyStart` must be named, or a restart would move it. */
export async function openRestartableGateway(
  options: SimulatorOptions & { readonly historyStart: number; readonly seed: number },
): Promise<RestartableGateway> {
  let current = await startSimulator(options)
  const { port, history } = current
  return {
    get current() {
      return current
    },
    history,
    hurt: faults => current.setFaults(faults),
    heal: () => current.setFaults(noFaults),
    stop: () => current.close(),
    async start() {
      for (let attempt = 1; ; attempt++) {
        try {
          current = await startSimulator({ ...options, port })
          return
        } catch (error) {
          // somebody's outgoing connection may have been given the port for a moment
          if (attempt === 20) throw error
          await pause(250)
        }
      }
    },
  }
}
