import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startServiceSimulator } from './compatible/server.ts';
import { startOpenRouterSimulator } from './openrouter.ts';

/**
 * Runs the simulator until SIGTERM or SIGINT and prints its URL as one line once it listens. Options: `--port` (default 0: any), `--host` (default
 * 127.0.0.1), `--keys` (a comma list), `--pace FIRST_TOKEN_MS,TOKENS_PER_SECOND` (default at once). Rejects with a `TypeError` for a wrong
 * option and with the system's error when the address cannot be bound.
 */
export async function runOpenRouterSimulatorCommand(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      keys: { type: 'string' },
      pace: { type: 'string' },
    },
  });
  const simulator = await startOpenRouterSimulator({
    port: parseNumber('port', values.port),
    host: values.host,
    ...(values.keys !== undefined && { keys: values.keys.split(',') }),
    ...(values.pace !== undefined && { pace: parsePace(values.pace) }),
  });
  await serveUntilStopped(simulator);
}

/**
 * The same for a service besides OpenRouter. Options: `--port`, `--host`, `--key` (one) and `--pace`. Rejects as that does.
 */
export async function runServiceSimulatorCommand(
  name: 'gemini' | 'huggingface',
  argv: string[],
): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      key: { type: 'string' },
      pace: { type: 'string' },
    },
  });
  const simulator = await startServiceSimulator(name, {
    port: parseNumber('port', values.port),
    host: values.host,
    ...(values.key !== undefined && { key: values.key }),
    ...(values.pace !== undefined && { pace: parsePace(values.pace) }),
  });
  await serveUntilStopped(simulator);
}

async function serveUntilStopped(simulator: { readonly url: string; stop(): Promise<void> }): Promise<void> {
  process.stdout.write(`${simulator.url}\n`);
  const stopped = new AbortController();
  await Promise.race([
    once(process, 'SIGTERM', { signal: stopped.signal }),
    once(process, 'SIGINT', { signal: stopped.signal }),
  ]);
  await simulator.stop();
}

function parsePace(text: string): { firstTokenMs: number; tokensPerSecond: number } {
  const [firstTokenMs = '', tokensPerSecond = ''] = text.split(',');
  return {
    firstTokenMs: parseNumber('pace', firstTokenMs),
    tokensPerSecond: parseNumber('pace', tokensPerSecond),
  };
}

function parseNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0))
    throw new TypeError(`--${option}: a number is needed, not "${text}"`);
  return value;
}
