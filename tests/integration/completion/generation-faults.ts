import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';

/** Answers a question for a generation in the simulator's place. */
export type GenerationFault = (response: ServerResponse) => void;

/**
 * The simulator, but each question for a generation meets the next of the faults, and none is answered once they are
 * used up. Closes with the test.
 */
export async function withGenerationFaults(
  simulator: Pick<OpenRouterSimulator, 'url'>,
  faults: readonly GenerationFault[],
): Promise<{ readonly url: string; readonly asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (!path.startsWith('/api/v1/generation')) return void response.writeHead(307, redirect(path)).end();
    const fault = faults[asked];
    asked += 1;
    fault?.(response);
  });
  const redirect = (path: string) => ({ location: new URL(path, simulator.url).href });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/api/v1`, asked: () => asked };
}

export const notFound: GenerationFault = (response) => {
  const error = { message: 'Generation gen-1-x not found', code: 404, metadata: { error_type: 'not_found' } };
  response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
};

/** The headers of a record and half of it; then nothing. */
export const stallsInside: GenerationFault = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"data":{"id":"gen-1-x",');
};

export const sends =
  (status: number, body: string, type = 'application/json'): GenerationFault =>
  (response) =>
    void response.writeHead(status, { 'content-type': type }).end(body);
