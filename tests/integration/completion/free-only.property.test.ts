import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RequestNeeds } from '../../../src/completion/completion.ts';
import type { AllowedModels } from '../../../src/completion/ports.ts';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { readConfig } from '../../../src/config.ts';
import { createProviders } from '../../../src/model-providers.ts';
import { startServiceSimulator, type ServiceSimulator } from '../../../src/simulator/compatible/server.ts';
import { startMs, testBench } from './turns.ts';

const clock = { nowMs: startMs };
const quiet = { info: () => {}, warn: () => {}, error: () => {} };
/** What the account has switched on for all of its requests. */
const defaultPlugins: string[] = [];
let simulator: OpenRouterSimulator;
let google: ServiceSimulator;
let router: ServiceSimulator;
beforeAll(async () => {
  google = await startServiceSimulator('gemini');
  router = await startServiceSimulator('huggingface');
  simulator = await startOpenRouterSimulator({
    now: () => clock.nowMs,
    freeLimits: { perMinute: 1e9, perDay: 1e9 },
    defaultPlugins,
  });
});
afterAll(async () => {
  await simulator.stop();
  await google.stop();
  await router.stop();
});

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
const maybeFree = fc.constantFrom(undefined, 'false', 'true');
/** As an operator may write them; those that contradict each other are not run. */
const settings = fc.record({
  OPENROUTER_API_KEY: fc.constantFrom('sk-or-v1-simulated', 'sk-or-v1-simulated', undefined),
  GEMINI_API_KEY: fc.constantFrom(undefined, 'given'),
  GEMINI_FREE: maybeFree,
  HF_TOKEN: fc.constantFrom(undefined, 'given'),
  HF_FREE: maybeFree,
  GPT_PROVIDER: fc.constantFrom(undefined, 'openrouter', 'gemini', 'huggingface'),
  DEFAULT_MODEL: fc.option(id, { nil: undefined }),
  FALLBACK_MODEL: fc.array(id, { maxLength: 5 }).map((ids) => ids.join(',') || undefined),
  EMERGENCY_FALLBACK_MODEL: fc.option(id, { nil: undefined }),
});
const addresses = () => ({
  OPENROUTER_BASE_URL: simulator.url,
  GEMINI_BASE_URL: google.url,
  HF_BASE_URL: router.url,
});
/** What is set, with the keys that the services take. */
const present = (given: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      if (value === undefined) return [];
      const key = name === 'GEMINI_API_KEY' ? google.key : name === 'HF_TOKEN' ? router.key : value;
      return [[name, key]];
    }),
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
  let others = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        listed: list,
        later: fc.option(list),
        settings,
        plugins: fc.subarray(['web', 'web-fetch', 'file-parser', 'response-healing', 'fusion']),
        turns: fc.array(turn, { minLength: 1, maxLength: 3 }),
      }),
      async ({ listed, later, turns, plugins, settings: given }) => {
        const environment = { ...addresses(), ...present(given) };
        const read = readConfig(environment);
        fc.pre(read.ok);
        if (!read.ok) return;
        for (const service of [simulator, google, router]) service.reset();
        simulator.setModels(listed);
        defaultPlugins.splice(0, Infinity, ...plugins);
        const { model: chosen } = read.config;
        const bench = await testBench(simulator, clock, chosen, {
          services: (catalogue) =>
            createProviders(chosen, { openrouter: chosen.upstream, catalogue, now: Date.now, log: quiet }),
        });
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
        expect(given.GEMINI_FREE === 'true' ? [] : google.calls).toEqual([]);
        expect(given.HF_FREE === 'true' ? [] : router.calls).toEqual([]);
        others += google.calls.length + router.calls.length;
        const answer = await fetch(`${simulator.url}/key`, {
          headers: { authorization: 'Bearer sk-or-v1-simulated' },
        });
        expect(await answer.json()).toMatchObject({ data: { usage: 0 } });
      },
    ),
    { numRuns: 400 },
  );
  expect(requests).toBeGreaterThan(250);
  expect(others).toBeGreaterThan(50);
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
