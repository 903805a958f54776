import { failures } from '../domain/failure.ts'

/** Failures of the ledger: each ends the run, because without the ledger nothing can be proven. */
export const ledgerFailures = failures({
  'ledger-damaged': {
    retry: 'never',
    reach: 'run',
    meaning: 'The file of the ledger is damaged.',
    advice:
      'Put a backup ("ledger backup") in its place, or move the file aside together with its -wal and -shm: the gateways are then asked again, and writing twice changes nothing.',
  },
  'ledger-failed': {
    retry: 'never',
    reach: 'run',
    meaning: 'The ledger cannot be read or written.',
    advice: 'Check the folder, its permissions and the free space; nothing that was recorded is lost.',
  },
  'ledger-foreign': {
    retry: 'never',
    reach: 'run',
    meaning: 'The file that the configuration names as ledger was not created by this program.',
    advice: 'Name another file under "ledger" in the configuration.',
  },
  'ledger-newer': {
    retry: 'never',
    reach: 'run',
    meaning: 'The ledger was written by a newer release of this program.',
    advice: 'Use the newer release again.',
  },
  'ledger-lost': {
    retry: 'never',
    reach: 'run',
    meaning: 'Another process has taken over the ledger while this one was suspended.',
    advice: 'Nothing has to be done: nothing is lost, and the other process goes on.',
  },
  'ledger-missing': {
    retry: 'never',
    reach: 'run',
    meaning: 'There is no ledger at the path that the configuration names.',
    advice: 'Look whether the path under "ledger" is right and its disk is mounted. The first run makes the ledger.',
  },
  'backup-exists': {
    retry: 'never',
    reach: 'run',
    meaning: 'The file that a backup should be written to exists.',
    advice: 'Name another file: a backup never takes the place of one.',
  },
  'backup-failed': {
    retry: 'never',
    reach: 'run',
    meaning: 'A backup of the ledger cannot be written.',
    advice: 'Check the folder of the backup, its permissions and the free space.',
  },
  'ledger-owned': {
    retry: 'never',
    reach: 'run',
    meaning: 'Another process works with this ledger, and only one may change it.',
    advice:
      'Let it finish or stop it first. If it was killed together with its container or machine, wait a minute. "status" works at any time.',
  },
})
