import { openGateway } from '../app.ts'
import type { GatewayConfig } from '../config/config.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import type { CommandContext } from './context.ts'
import { tookText } from './format.ts'

/** A gateway to be looked at once: what it wants to be asked more slowly is waited for, and the person is told. */
export function openInteractive(
  config: GatewayConfig,
  { clock, terminal }: Pick<CommandContext, 'clock' | 'terminal'>,
): Gateway {
  const onTooFast = (waitMs: number) =>
    terminal.say(`${config.name}: the gateway asks for fewer requests; going on in ${tookText(waitMs)}`)
  return openGateway(config, { clock, onTooFast })
}
