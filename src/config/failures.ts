import { failures } from '../domain/failure.ts'

/** Failures of the configuration. */
export const configFailure = failures({
  config: {
    retry: 'never',
    reach: 'run',
    meaning: 'The configuration file has a mistake, or cannot be read.',
    advice: 'The message shows each mistake with its line. config/example.yaml explains all keys.',
  },
  'unknown-gateway': {
    retry: 'never',
    reach: 'run',
    meaning: 'A command names a gateway that is not in the configuration.',
    advice: 'Use one of the names under gateways in the configuration.',
  },
})
