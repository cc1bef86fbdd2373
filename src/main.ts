import { fileURLToPath } from 'node:url';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';
import { runKeysCommand } from './keys-command.ts';
import { createLogger } from './logger.ts';
import { FatalAdapterError } from './platform/adapter.ts';

/** Both `src/` and the bundle's folder lie directly below the project's root. */
const root = fileURLToPath(new URL('..', import.meta.url));

/** A wrong configuration, or a token that is refused: restarting without a change is useless (sysexits.h: EX_CONFIG). */
const EXIT_CONFIG = 78;

/** `keys rotate` and the like; without words, the bot. */
const [command, ...words] = process.argv.slice(2);

await main();

async function main(): Promise<void> {
  const read = readConfig(process.env);
  if (!read.ok) {
    const lines = [
      'Parley can not start. Please correct these settings:',
      ...read.problems,
      ...read.warnings,
    ];
    process.stderr.write(`${lines.join('\n  ')}\n`);
    process.exit(EXIT_CONFIG);
  }
  const { config, warnings } = read;
  const log = createLogger(config.operation.logLevel, config.secrets);
  for (const warning of warnings) log.warn({}, warning);

  if (command === 'keys') {
    const print = (line: string): void => void process.stdout.write(`${line}\n`);
    process.exit(await runKeysCommand({ words, config, log, root, print }));
  }

  const app = createApp({
    config,
    log,
    root,
    terminal: {
      input: process.stdin,
      output: process.stdout,
      isInteractive: process.stdin.isTTY && process.stdout.isTTY,
    },
    onTerminalEnd: () => void leave(0),
    onFatal: (error) => {
      process.stderr.write(`Parley has to stop: ${error.message}\n`);
      void leave(EXIT_CONFIG);
    },
  });

  let leaving = false;
  async function leave(code: number): Promise<void> {
    if (leaving) return;
    leaving = true;
    log.info({ code }, 'stopping');
    await app.stop();
    process.exit(code);
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (leaving) process.exit(1); // asked twice: at once
      void leave(0);
    });
  }
  for (const fault of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(fault, (error: unknown) => {
      log.fatal({ err: error }, 'an unexpected failure; stopping');
      void leave(1);
    });
  }

  try {
    await app.start();
  } catch (error) {
    if (leaving) return; // asked to end while it started
    const reason = error instanceof Error ? error.message : String(error);
    log.debug({ err: error }, 'start failed');
    process.stderr.write(`Parley can not start: ${reason}\n`);
    await leave(error instanceof FatalAdapterError ? EXIT_CONFIG : 1);
  }
}
