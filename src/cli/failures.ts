import { failures } from '../domain/failure.ts'

/** Failures of commands. */
export const commandFailure = failures({
  usage: {
    retry: 'never',
    reach: 'run',
    meaning: 'A command was called with something that it does not accept.',
    advice: 'Call the command with --help to see what it accepts.',
  },
  'cannot-write': {
    retry: 'never',
    reach: 'run',
    meaning: 'A file that a command should write cannot be written.',
    advice: 'Check the folder, its permissions and the free space.',
  },
  'cannot-listen': {
    retry: 'never',
    reach: 'run',
    meaning: 'The simulator cannot use its address.',
    advice: 'Choose another --port (0 takes a free one) or --host.',
  },
  'other-database': {
    retry: 'never',
    reach: 'run',
    meaning: 'The proofs in the ledger are of another database than the configured one.',
    advice:
      'Check whether a file was deleted or a disk is not mounted. The next run would fill this database from the start.',
  },
})
