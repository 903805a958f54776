import { openGateway } from '../app.ts'
import type { GatewayConfig } from '../config/config.ts'
import type { Gateway } from '../smartserver/gateway.ts'
import type { CommandContext } from './context.ts'
import { tookText } from './format.ts'

/** A gateway for a command that runs once: where it asks for fewer requests, the command waits and says so. */
export function openInteractive(
  config: GatewayConfig,
  { clock, terminal }: Pick<CommandContext, 'clock' | 'terminal'>,
): Gateway {
  const onTooFast = (waitMs: number) =>
    terminal.say(`${config.name}: the gateway asks for fewer requests; going on in ${tookText(waitMs)}`)
  return openGateway(config, { clock, onTooFast })
}
