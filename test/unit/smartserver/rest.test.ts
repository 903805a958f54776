import { expect, it, onTestFinished, vi } from 'vitest'
import { restCall } from '../../../src/smartserver/rest.ts'
import { createAgent } from '../../../src/smartserver/trust.ts'
import { startSmallGateway } from '../../support/small-gateway.ts'

it('a REST call ends after three minutes, though the gateway sends a byte now and then', async () => {
  let drips = 0
  const gateway = await startSmallGateway({ drip: () => void drips++ })
  const agent = createAgent({ kind: 'none' })
  onTestFinished(() => agent.destroy())
  // only the program's own timers: those of the sockets and of the small gateway go on
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const call = restCall(gateway.url, agent, { method: 'GET', path: '/iap/version' }, new AbortController().signal)
  const failure = call.catch(error => error)
  await vi.waitUntil(() => drips > 3, { timeout: 10_000, interval: 10 })
  await vi.advanceTimersByTimeAsync(179_000)
  expect(await Promise.race([failure, 'still under way'])).toBe('still under way')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await failure).toMatchObject({ code: 'gateway-silent', retry: 'soon', reach: 'gateway' })
})
