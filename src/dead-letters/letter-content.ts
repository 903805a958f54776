import type { Selector } from '../domain/datapoint.ts'
import type { Rejection } from '../domain/entry.ts'
import { createEntryReader, type EntryReader, type EntryReaderParts } from '../entries/entry-reader.ts'
import { pointOfJson } from '../entries/letter-point.ts'
import type { MappedPoint } from '../entries/write-and-restate.ts'
import { gatewayError } from '../smartserver/entry.ts'
import { gatewayFailure } from '../smartserver/failures.ts'
import type { KeptLetter } from './dead-letters.ts'

/**
 * The point of a dead letter by the rules of today, or why there is none; undefined: there is nothing to write. `read` is
 * undefined for a gateway that is not in the configuration: a letter that holds a whole point needs no rule.
 */
export function contentOf(letter: KeptLetter, read: EntryReader | undefined): MappedPoint | Rejection | undefined {
  const { raw, reason, detail, gateway } = letter
  if (raw === undefined) {
    const point = pointOfJson(letter.point)
    return point === undefined ? { reason, detail } : { point, datapoint: undefined }
  }
  if (read === undefined) return { reason, detail: `There is no gateway ${gateway} in the configuration.` }
  let content: MappedPoint | Rejection | undefined
  try {
    read(raw, {
      outside() {
        content = { reason, detail: 'The datapoint is not configured any more.' }
      },
      empty() {},
      rejected(rejection) {
        content = rejection
      },
      point(point, _frame, { datapoint }) {
        content = { point, datapoint }
      },
    })
  } catch (error) {
    if (!gatewayFailure.is(error, 'gateway-error')) throw error
    return { reason: gatewayError, detail: 'The frame is an error of the gateway and not an entry.' }
  }
  return content
}

/** All the time that JavaScript knows. */
const allTime = { after: -8.64e15, until: 8.64e15 }

/** Reads letters of a gateway by its configuration of today, whatever their time. */
export function createLetterReader(
  gateway: string,
  [first = {}, ...others]: readonly Selector[],
  parts: EntryReaderParts,
): EntryReader {
  return createEntryReader({ gateway, selectors: [first, ...others], range: allTime }, parts)
}
