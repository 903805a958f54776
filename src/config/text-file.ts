import { readFileSync } from 'node:fs'
import { decodeUtf8, type NotUtf8 } from '../domain/utf8.ts'

/** What a file holds, or why it cannot be read; `place`: where it is not UTF-8. */
type TextFile =
  | { readonly text: string; readonly fault: undefined }
  | { readonly text: undefined; readonly fault: string; readonly place: NotUtf8 | undefined }

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read the file',
  EISDIR: 'this is a folder, not a file',
}

export function readTextFile(file: string): TextFile {
  try {
    const read = decodeUtf8(readFileSync(file))
    return typeof read === 'string'
      ? { text: read, fault: undefined }
      : { text: undefined, fault: read.message, place: read }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    return { text: undefined, fault: reasons[code] ?? `cannot be read (${code})`, place: undefined }
  }
}
