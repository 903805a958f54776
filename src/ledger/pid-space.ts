import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * Names the space in which pids of this process mean something. Containers have pids of their own (every main process
 * is pid 1) and may share a host name, so on Linux it is the boot and the PID namespace. Undefined: not known.
 */
export function pidSpace(): string | undefined {
  if (process.platform !== 'linux') return hostname()
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}
