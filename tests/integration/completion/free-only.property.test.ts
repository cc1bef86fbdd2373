import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import { startMs, testBench } from './turns.ts';

const clock = { nowMs: startMs };
let simulator: OpenRouterSimulator;
beforeAll(async () => {
  simulator = await startOpenRouterSimulator({
    now: () => clock.nowMs,
    freeLimits: { perMinute: 1e9, perDay: 1e9 },
    defaultPlugins: ['web', 'file-parser', 'response-healing'],
  });
});
afterAll(() => simulator.stop());

const names = [
  'acme/a',
  'acme/b:free',
  'acme/c',
  'acme/d:free',
  'openrouter/auto',
  'openrouter/free',
  'openrouter/fusion',
];
const price = fc.constantFrom('0', '0', '0.000001', '-1');
const model: fc.Arbitrary<SimulatedModel> = fc.record({
  id: fc.constantFrom(...names),
  pricing: fc.record({ prompt: price, completion: price, request: price }),
});
const list = fc.uniqueArray(model, { selector: ({ id }) => id, maxLength: names.length });
const id = fc
  .tuple(
    fc.constantFrom('', '', '', '~', '@preset/'),
    fc.constantFrom(...names, 'acme/unknown', 'acme/unknown:free', 'acme/family-latest'),
    fc.constantFrom('', '', '', ':online', ':nitro', ':floor', '@preset/x'),
  )
  .map((parts) => parts.join(''));
const maybeId = fc.option(id);

it('under free-only no request can cost anything, whatever is configured, listed, preferred or switched on', async () => {
  let requests = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        listed: list,
        later: fc.option(list),
        defaultModel: maybeId,
        fallbackModels: fc.array(id, { maxLength: 3 }),
        emergencyModel: maybeId,
        preferredModel: maybeId,
        failures: fc.nat(3),
        search: fc.constantFrom(false, false, false, true),
      }),
      async ({ listed, later, preferredModel, failures, search, ...configured }) => {
        simulator.reset();
        simulator.setModels(listed);
        const bench = await testBench(simulator, clock, { ...configured, freeOnly: true });
        // Prices can change after the list was read.
        if (later !== null) simulator.setModels(later);
        if (failures > 0) simulator.play({ kind: 'refusal', name: 'provider-error' }, { times: failures });
        const { holds } = await bench.ask({ request: { preferredModel, search } });

        expect(holds).toEqual([]);
        for (const { path, body, usage } of simulator.calls) {
          if (!path.endsWith('/chat/completions')) continue;
          requests += 1;
          expect(body).toMatchObject({
            model: expect.stringMatching(/^[a-z]+\/[a-z]+(:free)?$/),
            provider: { max_price: { prompt: '0', completion: '0', request: '0', image: '0', audio: '0' } },
            plugins: expect.arrayContaining([{ id: 'web', enabled: false }]),
          });
          expect((body as { models?: unknown }).models).toBeUndefined();
          expect((body as { tools?: unknown }).tools).toBeUndefined();
          expect(usage?.cost ?? 0).toBe(0);
        }
        const answer = await fetch(`${simulator.url}/key`, {
          headers: { authorization: 'Bearer sk-or-v1-simulated' },
        });
        expect(await answer.json()).toMatchObject({ data: { usage: 0 } });
      },
    ),
    { numRuns: 200 },
  );
  expect(requests).toBeGreaterThan(100);
});
