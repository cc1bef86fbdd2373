import { fileURLToPath } from 'node:url';
import { createApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { createLogger } from '../src/logger.ts';

/**
 * Parley as src/main.ts starts it, but free of the limit of 50 calls a second that Discord sets for a bot: at that
 * limit a bot does some 25 turns a second, and most of it waits.
 */
const read = readConfig(process.env);
if (!read.ok) throw new Error(read.problems.join('\n'));
const { config } = read;
const unlimited = { typing: Infinity, frame: Infinity, first: Infinity, final: Infinity };

const app = createApp({
  config,
  log: createLogger(config.operation.logLevel, config.secrets),
  root: fileURLToPath(new URL('..', import.meta.url)),
  terminal: { input: process.stdin, output: process.stdout, isInteractive: false },
  onTerminalEnd: () => {},
  onFatal: (error) => {
    throw error;
  },
  discordPace: { pace: { global: { windowMs: 1000, ...unlimited } } },
});
process.once('SIGTERM', () => void app.stop().then(() => process.exit(0)));
await app.start();
