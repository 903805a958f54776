import { readFile } from 'node:fs/promises'
import { decodeUtf8 } from '../domain/utf8.ts'
import type { Entry, History } from './history.ts'
import { createRecording } from './recording.ts'
import { createRoster } from './roster.ts'
import type { Sample } from './signals.ts'
import { compareMoments, formatMoment, parseMoment } from './timestamps.ts'

const columns = ['time', 'device', 'block', 'index', 'datapoint', 'value'] as const

/**
 * Reads a history from a CSV file with the columns time, device, block, index, datapoint, value in any order, in memory. Times
 * are ISO 8601 with up to nine fraction digits and `Z` or an offset; values are JSON, or text where they are none; an empty
 * value is null. Cells are separated by commas, semicolons or tabs; with the latter two a number may have a decimal comma.
 * Throws Error with the line of what it cannot read, and what reading the file throws.
 */
export async function loadCsv(path: string): Promise<History> {
  const read = decodeUtf8(await readFile(path))
  if (typeof read === 'string') return parseCsv(read)
  throw new Error(`line ${read.line}: ${read.message}; in a spreadsheet: "CSV UTF-8"`)
}

/** The same from text. */
export function parseCsv(text: string): History {
  const { separator, body, firstLine } = findSeparator(text)
  const records = readRecords(body, separator, firstLine)
  const header = records.next()
  const names = header.done ? [] : header.value.cells.map(cell => cell.trim().toLowerCase())
  const missing = columns.filter(column => !names.includes(column))
  if (missing.length > 0) throw new Error(`line 1: missing column ${missing.join(', ')}`)
  const places = Object.fromEntries(columns.map(column => [column, names.indexOf(column)])) as Record<
    (typeof columns)[number],
    number
  >
  const roster = createRoster()
  const rows: Entry[] = []
  for (const { line, cells } of records) {
    if (cells.length === 1 && cells[0] === '') continue
    const cell = (column: (typeof columns)[number]) => cells[places[column]] ?? ''
    const moment = parseMoment(cell('time'))
    if (moment === undefined)
      throw new Error(`line ${line}: "${cell('time')}" is no ISO 8601 time with a zone, as 2026-03-01T14:30:00Z`)
    if (!/^\d+$/.test(cell('index'))) throw new Error(`line ${line}: "${cell('index')}" is no block index`)
    if (cell('device') === '' || cell('datapoint') === '') throw new Error(`line ${line}: device or datapoint is empty`)
    const xif = cell('datapoint')
    const path = { device: cell('device'), block: cell('block'), index: Number(cell('index')), xif, name: xif }
    const { value, text: valueText } = readValue(cell('value'), separator, line)
    const utcText = formatMoment(moment.ms, moment.nanos, moment.digits <= 3 ? 3 : moment.digits)
    const { ms, nanos } = moment
    rows.push({
      datapoint: roster.find(path),
      ms,
      nanos,
      utcText,
      value,
      valueText,
      storedAt: Number.NEGATIVE_INFINITY,
    })
  }
  return createRecording(roster.devices(), rows.sort(compareMoments))
}

function readValue(cell: string, separator: string, line: number): Sample {
  if (cell === '') return { value: null, text: 'null' }
  if (separator !== ',' && /^-?\d{1,3}(\.\d{3})+,\d+$/.test(cell))
    throw new Error(`line ${line}: "${cell}" groups its digits; write the number without points between the thousands`)
  const text = separator !== ',' && /^-?\d+,\d+(E[+-]?\d+)?$/i.test(cell) ? cell.replace(',', '.') : cell
  try {
    return { value: JSON.parse(text), text }
  } catch {
    return { value: text, text: JSON.stringify(text) }
  }
}

/** What separates the cells: Excel may say it in a first line `sep=;`, else the header shows it. */
function findSeparator(text: string): { separator: string; body: string; firstLine: number } {
  const whole = text.replace(/^\ufeff/, '')
  const said = /^"?sep=([,;\t])"?\r?\n/i.exec(whole)
  if (said !== null) return { separator: said[1]!, body: whole.slice(said[0].length), firstLine: 2 }
  const [header = ''] = whole.split('\n', 1)
  const separator = [',', ';', '\t'].find(it => header.split(it).length >= columns.length) ?? ','
  return { separator, body: whole, firstLine: 1 }
}

/** Records of RFC 4180: quoted cells may hold commas, line ends and doubled quotes. */
function* readRecords(
  text: string,
  separator: string,
  firstLine: number,
): Generator<{ line: number; cells: string[] }> {
  let line = firstLine
  let began = firstLine
  let cells: string[] = []
  let at = 0
  while (at < text.length) {
    let cell = ''
    if (text[at] === '"') {
      at += 1
      for (;;) {
        const quote = text.indexOf('"', at)
        if (quote < 0) throw new Error(`line ${began}: a quote is not closed`)
        cell += text.slice(at, quote)
        at = quote + 1
        if (text[at] !== '"') break
        cell += '"'
        at += 1
      }
      line += cell.split('\n').length - 1
    }
    const rest = new RegExp(`[${separator}\n]`, 'g')
    rest.lastIndex = at
    const end = rest.exec(text)?.index ?? text.length
    cell += text.slice(at, end).replace(/\r$/, '')
    cells.push(cell)
    at = end + 1
    if (text[end] === separator && at < text.length) continue
    if (text[end] === separator) cells.push('')
    yield { line: began, cells }
    cells = []
    line += 1
    began = line
  }
}
