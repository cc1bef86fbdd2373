import { runOpenRouterSimulatorCommand, runServiceSimulatorCommand } from '../../src/simulator/command.ts';
import { runDiscordSimulatorCommand } from './discord/command.ts';
import { runTelegramSimulatorCommand } from './telegram/command.ts';

/** `npm run simulate <service> -- <options>`: plays an outside service on loopback until it is stopped. */
const services: Readonly<Record<string, (argv: string[]) => Promise<void>>> = {
  openrouter: runOpenRouterSimulatorCommand,
  gemini: (argv) => runServiceSimulatorCommand('gemini', argv),
  huggingface: (argv) => runServiceSimulatorCommand('huggingface', argv),
  discord: runDiscordSimulatorCommand,
  telegram: runTelegramSimulatorCommand,
};

const [name = '', ...argv] = process.argv.slice(2);
const run = services[name];
if (run === undefined) {
  process.stderr.write(`Name what to simulate: ${Object.keys(services).join(', ')}.\n`);
  process.exit(2);
}
await run(argv);
