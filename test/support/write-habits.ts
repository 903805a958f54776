import type { Behaviour, Reply } from './write-server.ts'

/** Which lines the pretended databases do not take: a device of this name, and a text where a number belongs. */
export const unparsable = 'UNPARSABLE'
const isUnparsable = (line: string) => line.includes(`device=${unparsable}`)
const isConflict = (line: string) => / value="/.test(line)

/** 2.x (docs v2.5 … v2.7, "Handle write responses"): 400 and nothing is written, or 422 and the others are. */
export const influxdb2: Behaviour = lines => {
  const malformed = lines.find(isUnparsable)
  if (malformed !== undefined)
    return { stored: [], reply: json(400, { code: 'invalid', message: `unable to parse '${malformed}': bad tag` }) }
  const conflicts = lines.filter(isConflict)
  if (conflicts.length === 0) return { stored: lines, reply: { status: 204 } }
  const message = `failure writing points to database: partial write: field type conflict: input field "value" on measurement "datalog" is type string, already exists as type float dropped=${conflicts.length}`
  return {
    stored: lines.filter(line => !isConflict(line)),
    reply: json(422, { code: 'unprocessable entity', message }),
  }
}

/** 3.x Core and Enterprise: 400 with a list of up to 100 bad lines; the others are written. */
export const influxdb3: Behaviour = lines => {
  const bad = [...lines.entries()].filter(([, line]) => isUnparsable(line) || isConflict(line))
  if (bad.length === 0) return { stored: lines, reply: { status: 204 } }
  const data = bad.slice(0, 100).map(([position, line]) => ({
    error_message: isConflict(line)
      ? "invalid field value in line protocol for field 'value' on line: expected type iox::column_type::field::float, but got iox::column_type::field::string"
      : 'Could not parse entire line',
    line_number: position + 1,
    original_line: line.length > 40 ? `${line.slice(0, 40)}...` : line,
  }))
  return {
    stored: lines.filter(line => !isUnparsable(line) && !isConflict(line)),
    reply: json(400, { error: 'partial write of line protocol occurred', data }),
  }
}

/** 3.x in the cloud before 2024: 201 when only a part was written, with the first bad line's number. */
export const influxdb3Cloud: Behaviour = lines => {
  const stored = lines.filter(line => !isUnparsable(line) && !isConflict(line))
  if (stored.length === lines.length) return { stored, reply: { status: 204 } }
  const line = lines.findIndex(line => isUnparsable(line) || isConflict(line)) + 1
  const message = `partial write has occurred, errors encountered on line(s):\nline ${line}: not taken`
  return { stored, reply: json(stored.length === 0 ? 400 : 201, { code: 'invalid', line, message }) }
}

function json(status: number, body: object): Reply {
  return { status, body }
}
