import { parseArgs } from 'node:util';
import { startDiscordSimulator } from './server.ts';

/**
 * Runs the simulator as a process of its own: `--port 0 --token … --username … --intents none|all --rates on|off`, where `all`
 * turns on the developer portal's switches for privileged intents. Prints its URL as one line once it listens, and resolves after
 * SIGTERM or SIGINT. Rejects on an unknown option or a taken port.
 */
export async function runDiscordSimulatorCommand(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string', default: '0' },
      token: { type: 'string' },
      username: { type: 'string' },
      intents: { type: 'string', default: 'none' },
      rates: { type: 'string', default: 'on' },
    },
  });
  if (values.intents !== 'none' && values.intents !== 'all')
    throw new Error('--intents takes "none" or "all".');
  if (values.rates !== 'on' && values.rates !== 'off') throw new Error('--rates takes "on" or "off".');
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port takes 0-65535.');
  const allowed = values.intents === 'all';
  const simulator = await startDiscordSimulator({
    port,
    enforceRates: values.rates === 'on',
    privilegedIntents: { messageContent: allowed, guildMembers: allowed, presences: allowed },
    ...(values.token === undefined ? {} : { token: values.token }),
    ...(values.username === undefined ? {} : { username: values.username }),
  });
  const asked = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  process.stdout.write(`${simulator.url}\n`);
  await asked;
  await simulator.stop();
}
