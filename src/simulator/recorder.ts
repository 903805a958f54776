import type { Periods } from './periods.ts'

type LogState = 'enabled' | 'disabled'

/** Whether the gateway logs: it can be switched off as a whole, for the tag of the first level, or by not polling. */
export interface Recorder {
  /** `tag` undefined: of the whole log. */
  state(tag: string | undefined): LogState
  setState(state: LogState, tag: string | undefined): void
  readonly monitoring: boolean
  setMonitoring(on: boolean): void
  /** Sets the clock: what is logged afterwards begins a new period. */
  setClock(set: () => void): void
}

/** The tag that every entry bears. */
const firstLevel = 'log_level_1'
const whole = ''

/** `periods` is undefined where a recording is served: it does not grow. */
export function createRecorder(periods: Periods | undefined, now: () => number): Recorder {
  const states = new Map<string, LogState>()
  let monitoring = true
  const state = (tag = whole) => states.get(tag) ?? 'enabled'
  const isLogging = () => monitoring && state() === 'enabled' && state(firstLevel) === 'enabled'

  function change(apply: () => void): void {
    const before = isLogging()
    const at = now()
    apply()
    if (before && !isLogging()) periods?.end(at)
    if (!before && isLogging()) periods?.begin(now())
  }

  return {
    state,
    setState: (to, tag = whole) => change(() => void states.set(tag, to)),
    get monitoring() {
      return monitoring
    },
    setMonitoring: on =>
      change(() => {
        monitoring = on
      }),
    setClock(set) {
      periods?.end(now())
      set()
      if (isLogging()) periods?.begin(now())
    },
  }
}
