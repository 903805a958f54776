import type { Duplex } from 'node:stream'
import { setTimeout as sleep, setImmediate as yieldToOthers } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import type { Course, Ending } from './course.ts'
import { endFrame } from './frames.ts'
import type { OddFrame } from './garbage.ts'
import type { LoadMeter } from './load.ts'
import type { Pace } from './pace.ts'
import type { LogRequestRecord, Stats } from './stats.ts'

/** Bytes that may wait for a slow client before the simulator stops and waits too. */
const bufferLimit = 256 * 1024

/** How an answer ended that is replayed. */
export interface RecordedEnd {
  /** What struck in place of "end". */
  readonly ending: Ending | undefined
  /** What came between "end" and the close. */
  readonly afterEnd: readonly OddFrame[]
}

interface LogAnswer {
  /** Entries as text; what is no entry is wrapped. */
  readonly frames: Iterator<string | OddFrame, RecordedEnd>
  readonly course: Course
  readonly pace: Pace
  readonly load: LoadMeter
  readonly stats: Stats
  readonly record: LogRequestRecord
  /** Whether the login of the request still lives, as far as the socket cares. */
  isAlive(): boolean
  /** Resets the TCP connection. */
  reset(): void
}

/**
 * Streams one answer: the frames, then `"end"`, then close 1000 (protocol §3), or whatever its course says instead. Never holds
 * more than `bufferLimit` and one batch for a client that reads slowly. Returns early, without error, when the client has gone.
 */
export async function sendLogAnswer(client: WebSocket, socket: Duplex, answer: LogAnswer): Promise<void> {
  const { pace, course } = answer
  const gone = new AbortController()
  client.once('close', () => gone.abort())
  try {
    for (let i = 0; i < course.pings; i++) client.ping()
    await pace.startRequest(gone.signal)
    const strikeAfter = course.ending.kind === 'end' ? Number.POSITIVE_INFINITY : course.strikeAfter
    let sent = 0
    for (;;) {
      const trickles = course.trickleMs > 0 && sent < course.trickleFrames
      const wanted = Math.min(trickles ? 1 : pace.batch, strikeAfter - sent)
      const { count, end } =
        course.dripMs > 0
          ? await dripOne(client, answer, Math.min(1, wanted), gone.signal)
          : sendBatch(client, socket, answer, wanted)
      sent += count
      if (client.bufferedAmount > bufferLimit) await drained(client, socket)
      await pace.spend(count, gone.signal)
      if (trickles) await sleep(course.trickleMs, undefined, { signal: gone.signal })
      await yieldToOthers()
      if (gone.signal.aborted) return
      if (!answer.isAlive()) return client.terminate()
      if (end === undefined && sent < strikeAfter) continue
      return await finish(client, answer, end, gone.signal)
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error
  }
}

/** Sends up to `limit` frames at once; fewer only at the end of the frames, which is reported. */
function sendBatch(
  client: WebSocket,
  socket: Duplex,
  { frames, stats, record, load }: LogAnswer,
  limit: number,
): { count: number; end: RecordedEnd | undefined } {
  let count = 0
  let end: RecordedEnd | undefined
  let entries = 0
  // One cork a batch turns hundreds of small TLS records into a few: most of the speed of a large answer comes from this.
  socket.cork()
  for (; count < limit; count++) {
    const next = frames.next()
    if (next.done) {
      end = next.value
      break
    }
    if (typeof next.value === 'string') {
      entries += 1
      stats.bytesSent += next.value.length
      client.send(next.value)
    } else {
      stats.oddFramesSent += 1
      client.send(next.value.odd)
    }
  }
  socket.uncork()
  record.entries += entries
  stats.entriesSent += entries
  stats.maxBufferedBytes = Math.max(stats.maxBufferedBytes, client.bufferedAmount)
  load.add(entries)
  return { count, end }
}

/** Sends one frame, each byte as a separate fragment. */
async function dripOne(
  client: WebSocket,
  { frames, stats, record, course }: LogAnswer,
  limit: number,
  signal: AbortSignal,
): Promise<{ count: number; end: RecordedEnd | undefined }> {
  if (limit === 0) return { count: 0, end: undefined }
  const next = frames.next()
  if (next.done) return { count: 0, end: next.value }
  if (typeof next.value === 'string') {
    record.entries += 1
    stats.entriesSent += 1
  } else stats.oddFramesSent += 1
  await drip(client, typeof next.value === 'string' ? next.value : next.value.odd, course.dripMs, signal)
  return { count: 1, end: undefined }
}

async function drip(client: WebSocket, frame: string | Buffer, dripMs: number, signal: AbortSignal): Promise<void> {
  const bytes = Buffer.from(frame)
  const binary = typeof frame !== 'string'
  for (let i = 0; i < bytes.length; i++) {
    client.send(bytes.subarray(i, i + 1), { binary, fin: i === bytes.length - 1 })
    await sleep(dripMs, undefined, { signal })
  }
}

async function finish(
  client: WebSocket,
  { course, stats, record, reset }: LogAnswer,
  recorded: RecordedEnd | undefined,
  signal: AbortSignal,
): Promise<void> {
  const ending = recorded?.ending ?? course.ending
  if (ending.kind === 'reset') return reset()
  if (ending.kind === 'stall') {
    await sleep(course.stallMs > 0 ? course.stallMs : 2 ** 31 - 1, undefined, { signal })
    return client.terminate()
  }
  if (ending.kind === 'close') return closeWith(client, ending.code)
  if (course.dripMs > 0) await drip(client, endFrame, course.dripMs, signal)
  else client.send(endFrame)
  record.ended = true
  for (const { odd } of [...course.afterEnd, ...(recorded?.afterEnd ?? [])]) {
    stats.oddFramesSent += 1
    client.send(odd)
  }
  client.close(1000)
}

/** 1006 stands for a connection that just ends, 1005 for a close frame without a code: neither can be sent. */
function closeWith(client: WebSocket, code: number): void {
  if (code === 1005) client.close()
  else if (code === 1006) client.terminate()
  else client.close(code)
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
