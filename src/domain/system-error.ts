/** What a person can do about what the operating system refuses, by its code. */
const advices: Readonly<Record<string, string>> = {
  EACCES: 'Let this user read and write there, or name another place in the configuration.',
  EPERM: 'Let this user read and write there, or name another place in the configuration.',
  EROFS:
    'That file system is read-only. Name a place that can be written: ledger, deadLetters.path and the sink in the configuration, and TMPDIR in the environment.',
  ENOSPC: 'Make room on the disk.',
  EDQUOT: 'Make room: the quota of this user is used up.',
  EFBIG: 'Let this process write larger files (ulimit -f).',
  EMFILE: 'Let this process open more files: ulimit -n 1024, or LimitNOFILE=1024 in the unit of systemd.',
  ENFILE: 'The machine has too many files open: close some, or raise fs.file-max.',
  ENOMEM: 'Give the process more memory.',
  EAGAIN: 'Let this user have more processes and threads (ulimit -u).',
  ENOENT: 'Look whether the path is right, its disk is mounted, and the working folder still exists.',
  ENOTDIR: 'A file stands where a folder is needed: look whether the path is right.',
  EISDIR: 'A folder stands where a file is needed: look whether the path is right.',
  EEXIST: 'Something else stands there: move it, or name another place.',
  ELOOP: 'Links lead in a circle, or one stands where none is allowed: name the file itself.',
  EIO: 'The disk failed to read or write: the log of the system says more.',
  ESTALE: 'The network drive was mounted anew: start again.',
}

/** Undefined for what is no refusal of the operating system: a wrong call of ours is a bug. */
export function systemAdvice(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error ? advices[String(error.code)] : undefined
}
