import { failures } from '../domain/failure.ts'

/** Failures of the daemon. */
export const serviceFailure = failures({
  'metrics-listen': {
    retry: 'never',
    reach: 'run',
    meaning: 'The address for metrics cannot be used.',
    advice:
      'Check whether the port is in use, perhaps by another sync. Choose another one, or leave metrics.listen out.',
  },
})
