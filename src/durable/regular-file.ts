import { closeSync, constants, fstatSync, openSync } from 'node:fs'

/** Without waiting: a pipe would be waited for, and no signal is heard meanwhile. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens a file that others may have put there, for reading. Throws an Error for a link, a pipe, a device or a folder. */
export function openRegularFile(path: string): number {
  const file = openSync(path, flags)
  if (fstatSync(file).isFile()) return file
  closeSync(file)
  throw new Error('it is no regular file')
}
