import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CatalogueSnapshot } from '../../../src/completion/catalogue-model.ts';
import { createCatalogue, type CatalogueOptions } from '../../../src/completion/catalogue.ts';
import type { CatalogueStore } from '../../../src/completion/ports.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import { memoryStore } from './turns.ts';

let simulator: OpenRouterSimulator;
beforeAll(async () => {
  simulator = await startOpenRouterSimulator();
});
afterAll(() => simulator.stop());

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
}

const nowMs = Date.UTC(2026, 10, 21);
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const catalogueOf = (options: Partial<CatalogueOptions>) =>
  createCatalogue({
    baseUrl: simulator.url,
    apiKey: null,
    store: memoryStore,
    now: () => nowMs,
    log: silent,
    ...options,
  });

describe('the catalogue', () => {
  it('is empty until there was a list', () => {
    expect(catalogueOf({}).snapshot()).toEqual({ fetchedAtMs: 0, models: [] });
  });

  it('holds what can chat, with free models ranked and the free router last', async () => {
    const catalogue = catalogueOf({});
    expect(await catalogue.refresh()).toMatchObject({ kind: 'refreshed' });
    expect(catalogue.snapshot().fetchedAtMs).toBe(nowMs);
    expect(catalogue.find('openai/gpt-6-luna')).toMatchObject({
      isFree: false,
      contextLength: 1_050_000,
      prices: { prompt: 100_000_000, completion: 500_000_000, highestPrompt: 200_000_000 },
    });
    expect(catalogue.find('openai/gpt-6-luna:batch')).toBeUndefined();
    expect(catalogue.find('respan/span-01-lite:free')).toBeUndefined();
    const free = catalogue.freeModels().map(({ id }) => id);
    expect(free.at(-1)).toBe('openrouter/free');
    expect(free).toContain('google/gemma-4-31b-it:free');
  });

  it('saves the list as JSON and starts from it again while OpenRouter is away', async () => {
    let saved = '';
    const store: CatalogueStore = {
      load: async () => JSON.parse(saved) as CatalogueSnapshot,
      save: async (snapshot) => {
        saved = JSON.stringify(snapshot);
      },
    };
    const before = catalogueOf({ store });
    await before.refresh();
    const after = catalogueOf({ store, baseUrl: 'http://127.0.0.1:1/api/v1' });
    await after.load();
    expect(await after.refresh()).toMatchObject({ kind: 'kept' });
    expect(after.snapshot()).toEqual(before.snapshot());
    expect(after.freeModels()).toEqual(before.freeModels());
  });

  it('works without its store', async () => {
    const store: CatalogueStore = {
      load: () => Promise.reject(new Error('away')),
      save: () => Promise.reject(new Error('away')),
    };
    const catalogue = catalogueOf({ store });
    await catalogue.load();
    expect(await catalogue.refresh()).toMatchObject({ kind: 'refreshed' });
  });

  it.each<[string, RequestListener]>([
    ['an error', (_, response) => void response.writeHead(503).end('{"error":{}}')],
    ['a web page', (_, response) => void response.end('<html></html>')],
    ['no list', (_, response) => void response.end('{"data":{}}')],
    ['an empty list', (_, response) => void response.end('{"data":[]}')],
    ['an endless list', (_, response) => void response.end('x'.repeat(200_000))],
    ['a cut connection', (_, response) => void response.write('{"data":[', () => response.destroy())],
    ['nothing', () => {}],
  ])('keeps the last list when the next answer is %s', async (_, listener) => {
    const store: CatalogueStore = {
      load: async () => ({ fetchedAtMs: 1, models: [] }),
      save: async () => {},
    };
    const catalogue = catalogueOf({
      store,
      baseUrl: await serve(listener),
      maxBytes: 100_000,
      timeoutMs: 300,
    });
    await catalogue.load();
    expect((await catalogue.refresh()).kind).toBe('kept');
    expect(catalogue.snapshot().fetchedAtMs).toBe(1);
  });

  it('shares one fetch among callers at the same time', async () => {
    simulator.reset();
    const catalogue = catalogueOf({});
    await Promise.all([catalogue.refresh(), catalogue.refresh()]);
    expect(simulator.calls).toHaveLength(1);
  });

  it('refreshes soon at most once in five minutes', async () => {
    simulator.reset();
    let clockMs = nowMs;
    const catalogue = catalogueOf({ now: () => clockMs });
    await catalogue.refresh();
    catalogue.refreshSoon();
    expect(simulator.calls).toHaveLength(1);
    clockMs += 300_000;
    catalogue.refreshSoon();
    catalogue.refreshSoon();
    await catalogue.refresh();
    expect(simulator.calls).toHaveLength(2);
  });
});
