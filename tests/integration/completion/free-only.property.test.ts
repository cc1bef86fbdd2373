import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RequestNeeds } from '../../../src/completion/completion.ts';
import type { AllowedModels } from '../../../src/completion/ports.ts';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { startMs, testBench } from './turns.ts';

const clock = { nowMs: startMs };
/** What the account has switched on for all of its requests. */
const defaultPlugins: string[] = [];
let simulator: OpenRouterSimulator;
beforeAll(async () => {
  simulator = await startOpenRouterSimulator({
    now: () => clock.nowMs,
    freeLimits: { perMinute: 1e9, perDay: 1e9 },
    defaultPlugins,
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
/** Of the kinds after which a chain goes on, stops, rests a model or rests them all. */
const fault: fc.Arbitrary<Scenario> = fc.constantFrom<Scenario>(
  { kind: 'refusal', name: 'provider-error' },
  { kind: 'refusal', name: 'free-variant-ended' },
  { kind: 'refusal', name: 'upstream-rate-limit' },
  { kind: 'refusal', name: 'no-endpoints' },
  { kind: 'refusal', name: 'context-length' },
  { kind: 'refusal', name: 'cannot-afford', affordableTokens: 300 },
  { kind: 'refusal', name: 'in-flight-budget', retryAfter: 1 },
  { kind: 'refusal', name: 'free-per-minute' },
  { kind: 'answer', text: '' },
  { kind: 'answer', text: 'one two', fault: { kind: 'error', afterTokens: 0 } },
  { kind: 'answer', text: 'one two', fault: { kind: 'cut', afterTokens: 1 } },
);
/** Mostly the first, now and then one of the others. */
const seldom = <Value>(usual: Value, other: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const turn = fc.record({
  preferredModel: maybeId,
  isStrict: seldom(false, fc.constant(true)),
  search: seldom(false, fc.constant(true)),
  allowedModels: seldom<AllowedModels>(
    null,
    fc.array(fc.constantFrom('free', 'acme/*', 'acme/a', 'openrouter/auto'), { maxLength: 2 }),
  ),
  needs: seldom<RequestNeeds>(
    { inputs: [], tools: false, jsonSchema: false },
    fc.record({
      inputs: fc.subarray(['image', 'file', 'audio'] as const),
      tools: fc.boolean(),
      jsonSchema: fc.boolean(),
    }),
  ),
  faults: fc.array(fault, { maxLength: 4 }),
});

it('under free-only no request can cost anything, whatever is configured, listed, chosen, switched on or goes wrong', async () => {
  let requests = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        listed: list,
        later: fc.option(list),
        defaultModel: maybeId,
        fallbackModels: fc.array(id, { maxLength: 5 }),
        emergencyModel: maybeId,
        plugins: fc.subarray(['web', 'web-fetch', 'file-parser', 'response-healing', 'fusion']),
        turns: fc.array(turn, { minLength: 1, maxLength: 3 }),
      }),
      async ({ listed, later, turns, plugins, ...configured }) => {
        simulator.reset();
        simulator.setModels(listed);
        defaultPlugins.splice(0, Infinity, ...plugins);
        const bench = await testBench(simulator, clock, { ...configured, freeOnly: true });
        // Prices can change after the list was read.
        if (later !== null) simulator.setModels(later);
        for (const { faults, ...request } of turns) {
          for (const scenario of faults) simulator.play(scenario);
          const { holds } = await bench.ask({ request });
          expect(holds).toEqual([]);
        }
        for (const { path, body, usage } of simulator.calls) {
          if (!path.endsWith('/chat/completions')) continue;
          requests += 1;
          expectFree(body as Body);
          expect(usage?.cost ?? 0).toBe(0);
        }
        const answer = await fetch(`${simulator.url}/key`, {
          headers: { authorization: 'Bearer sk-or-v1-simulated' },
        });
        expect(await answer.json()).toMatchObject({ data: { usage: 0 } });
      },
    ),
    { numRuns: 250 },
  );
  expect(requests).toBeGreaterThan(250);
});

interface Body {
  readonly model: string;
  readonly models?: readonly string[];
  readonly plugins: readonly { readonly id: string; readonly enabled?: boolean }[];
}

/** Nothing in it can be charged for, even where the list was wrong: endpoints with a price are shut out, extras are off. */
function expectFree(body: Body): void {
  const ids = [body.model, ...(body.models ?? [])];
  expect(ids.length).toBeLessThanOrEqual(3);
  for (const model of ids) expect(model).toMatch(/^[a-z]+\/[a-z]+(:free)?$/);
  expect(body).toMatchObject({
    provider: { max_price: { prompt: '0', completion: '0', request: '0', image: '0', audio: '0' } },
  });
  expect(body).not.toHaveProperty('tools');
  expect(body).not.toHaveProperty('web_search_options');
  const off = new Set(
    body.plugins.filter(({ enabled }) => enabled === false).map(({ id: plugin }) => plugin),
  );
  expect(off).toEqual(new Set(body.plugins.map(({ id: plugin }) => plugin)));
  expect([...off]).toEqual(
    expect.arrayContaining(['web', 'web-fetch', 'file-parser', 'response-healing', 'fusion']),
  );
}
