import { parseArgs } from 'node:util';
import { startTelegramSimulator } from './server.ts';

/**
 * Runs the simulator as a process of its own: `--port 0 --token … --username … --privacy on|off`. Prints its URL as one line once it
 * listens, and resolves after SIGTERM or SIGINT. Rejects on an unknown option or a taken port.
 */
export async function runTelegramSimulatorCommand(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string', default: '0' },
      token: { type: 'string' },
      username: { type: 'string' },
      privacy: { type: 'string', default: 'on' },
    },
  });
  if (values.privacy !== 'on' && values.privacy !== 'off') {
    throw new Error('--privacy takes "on" or "off".');
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port takes 0-65535.');
  const simulator = await startTelegramSimulator({
    port,
    privacyMode: values.privacy === 'on',
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
