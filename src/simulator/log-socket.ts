import type { Duplex } from 'node:stream'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { endFrame } from './frames.ts'
import type { Pace } from './pace.ts'
import type { LogRequestRecord, Stats } from './stats.ts'

/** Bytes that may wait for a slow client before the simulator stops and waits too. */
export const bufferLimit = 256 * 1024

export interface LogAnswer {
  readonly frames: Iterable<string>
  readonly pace: Pace
  readonly stats: Stats
  readonly record: LogRequestRecord
}

/**
 * Streams one answer: the frames, then `"end"`, then close 1000 (protocol §3). Never holds more than `bufferLimit` and one
 * batch for a client that reads slowly. Returns early, without error, when the client has gone.
 */
export async function sendLogAnswer(client: WebSocket, socket: Duplex, answer: LogAnswer): Promise<void> {
  const { pace, stats, record } = answer
  const gone = new AbortController()
  client.once('close', () => gone.abort())
  try {
    await pace.startRequest(gone.signal)
    const frames = answer.frames[Symbol.iterator]()
    let done = false
    while (!done && !gone.signal.aborted) {
      // One cork a batch turns hundreds of small TLS records into one: the difference between 30 000 and 200 000 entries a second.
      socket.cork()
      let count = 0
      for (; count < pace.batch; count++) {
        const next = frames.next()
        done = next.done === true
        if (next.done) break
        client.send(next.value)
        stats.bytesSent += next.value.length
      }
      socket.uncork()
      record.entries += count
      stats.entriesSent += count
      stats.maxBufferedBytes = Math.max(stats.maxBufferedBytes, client.bufferedAmount)
      if (client.bufferedAmount > bufferLimit) await drained(client, socket)
      await pace.spend(count, gone.signal)
      await yieldToOthers()
    }
    if (gone.signal.aborted) return
    client.send(endFrame)
    record.ended = true
    client.close(1000)
  } catch (error) {
    if (!gone.signal.aborted) throw error
  }
}

/** Resolves when what was written has left for the network, or the socket is closed. */
function drained(client: WebSocket, socket: Duplex): Promise<void> {
  if (client.readyState !== client.OPEN || !socket.writableNeedDrain) return Promise.resolve()
  return new Promise(resolve => {
    const finish = () => {
      socket.off('drain', finish)
      socket.off('close', finish)
      resolve()
    }
    socket.once('drain', finish)
    socket.once('close', finish)
  })
}
