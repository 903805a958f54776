import { type Logger, pino, stdTimeFunctions } from 'pino'
import { PinoPretty } from 'pino-pretty'
import { visible } from '../domain/visible.ts'
import type { Terminal } from './terminal.ts'

/** Never logged on purpose; a second fence behind law 12. */
const secrets = ['password', 'token', 'cookie', '*.password', '*.token', '*.cookie', 'headers', '*.headers']

/** What LOG_LEVEL may be. */
export const logLevels: readonly string[] = [...Object.keys(pino.levels.values), 'silent']

/** JSON lines on standard error; pretty where a person watches. */
export function createLog(level: string, terminal: Terminal): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    redact: { paths: secrets, censor: '(secret)' },
  }
  if (!terminal.isWatched) return pino(options, terminal.logStream)
  const pretty = PinoPretty({
    colorize: true,
    translateTime: 'SYS:HH:MM:ss',
    // the one text that is printed without the escapes of JSON
    messageFormat: (line, key) => visible(String(line[key] ?? '')),
    destination: terminal.logStream,
    sync: true,
  })
  return pino(options, pretty)
}
