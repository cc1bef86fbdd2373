import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCatalogue } from '../../../src/completion/catalogue.ts';
import { createCompletionChain } from '../../../src/completion/chain.ts';
import type { CompletionChain, CompletionRequest } from '../../../src/completion/completion.ts';
import { createExperience } from '../../../src/completion/experience.ts';
import type { ModelClient } from '../../../src/completion/model-client.ts';
import { createOpenRouterClient } from '../../../src/completion/openrouter.ts';
import { createPayerChains } from '../../../src/completion/payer-chains.ts';
import type { CompletionLog, OwnKey } from '../../../src/completion/ports.ts';
import { sleep } from '../../../src/completion/sleep.ts';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import { freePlacesOf } from '../../support/free-places.ts';
import { keysUsed, newKey } from '../../support/own-keys.ts';
import { memoryStore } from './turns.ts';

const OPERATORS = 'sk-or-v1-simulated';
const [FREE, OTHER_FREE, PAID, OTHER_PAID] = ['acme/a:free', 'acme/b:free', 'acme/paid', 'acme/dear'];
const nothing = { prompt: '0', completion: '0' };
const models: readonly SimulatedModel[] = [
  { id: FREE, pricing: nothing, contextLength: 300_000 },
  { id: OTHER_FREE, pricing: nothing, contextLength: 200_000 },
  { id: PAID, pricing: { prompt: '0.000001', completion: '0.000002' } },
  { id: OTHER_PAID, pricing: { prompt: '0.00001', completion: '0.00002' } },
];

let simulator: OpenRouterSimulator;
beforeAll(async () => {
  simulator = await startOpenRouterSimulator({ freeLimits: { perMinute: 1000, perDay: 1000 }, models });
});
beforeEach(() => simulator.reset());
afterAll(() => simulator.stop());

interface Payer extends OwnKey {
  /** How often the key was opened. */
  readonly opened: () => number;
  readonly plain: string;
}

let payers = 0;
function payer(mayCost: OwnKey['mayCost'] = () => false, plain: string | null = newKey(simulator)): Payer {
  let opened = 0;
  payers += 1;
  const open = () => {
    opened += 1;
    return plain;
  };
  return {
    id: `payer-${payers}`,
    account: `payer-${payers}`,
    open,
    mayCost,
    opened: () => opened,
    plain: plain ?? '',
  };
}

async function openChains(most = 100): Promise<{ chains: CompletionChain; made: () => number }> {
  const log: CompletionLog = { info: () => {}, warn: () => {}, error: () => {} };
  const now = Date.now;
  const catalogue = createCatalogue({ baseUrl: simulator.url, apiKey: null, store: memoryStore, now, log });
  await catalogue.refresh();
  const experience = createExperience({
    store: { recent: () => Promise.resolve([]) },
    random: () => 0.5,
    log,
  });
  const client = (apiKey: string) =>
    createOpenRouterClient({ apiKey, baseUrl: simulator.url, appUrl: null, appName: 'Parley', now });
  let made = 0;
  const open = (paying: ModelClient) => {
    made += 1;
    return createCompletionChain({
      clients: [paying],
      ownModels: [],
      catalogue,
      experience,
      settings: {
        // The operator's money may be spent: nobody else's follows from that.
        freeOnly: false,
        defaultModel: OTHER_PAID,
        fallbackModels: [],
        emergencyModel: OTHER_PAID,
        modelTimeoutMs: 45_000,
        firstTokenTimeoutMs: 15_000,
        idleTokenTimeoutMs: 20_000,
        answerMaxMs: 300_000,
        caching: { strategy: 'auto', minTokens: 1024 },
        providers: ['openrouter'],
      },
      freePlaces: freePlacesOf({ now }),
      now,
      random: () => 0.5,
      sleep,
      log,
      onAlert: () => {},
    });
  };
  const chains = createPayerChains({ operators: open(client(OPERATORS)), open, client, most });
  return { chains, made: () => made };
}

async function ask(chains: CompletionChain, ownKey: OwnKey | null, wish: Partial<CompletionRequest> = {}) {
  const from = keysUsed(simulator).length;
  const outcome = await chains.complete(
    {
      messages: [{ role: 'user', content: 'How are you?' }],
      maxTokens: 50,
      temperature: 0.7,
      preferredModel: null,
      isStrict: false,
      allowedModels: null,
      ownKey,
      endUser: 'person-1',
      sessionId: 'conversation-1',
      ...wish,
    },
    { onText: () => {}, onGeneration: () => {}, holdCost: () => Promise.resolve({ granted: true }) },
    new AbortController().signal,
  );
  return {
    outcome,
    keys: keysUsed(simulator).slice(from),
    models: outcome.attempts.map(({ modelAsked }) => modelAsked),
  };
}

describe('each payer', () => {
  it('pays with the own key, which is opened for each call', async () => {
    const { chains } = await openChains();
    const ann = payer();
    expect((await ask(chains, null)).keys).toEqual([OPERATORS]);
    expect((await ask(chains, ann)).keys).toEqual([ann.plain]);
    expect((await ask(chains, ann)).keys).toEqual([ann.plain]);
    expect(ann.opened()).toBe(2);
  });

  it('has cooldowns and refusals apart', async () => {
    const { chains } = await openChains();
    const [ann, bob] = [payer(), payer()];
    simulator.play({ kind: 'refusal', name: 'upstream-rate-limit' }, { model: FREE });
    expect((await ask(chains, ann)).models).toEqual([FREE, OTHER_FREE]);
    expect((await ask(chains, ann)).models).toEqual([OTHER_FREE]);
    expect((await ask(chains, bob)).models).toEqual([FREE]);
    simulator.setKey({ key: bob.plain, disabled: true });
    expect((await ask(chains, bob)).outcome).toMatchObject({
      kind: 'failed',
      failure: { kind: 'unauthorized' },
    });
    expect((await ask(chains, bob)).keys).toEqual([]);
    expect((await ask(chains, null)).outcome.kind).toBe('answered');
    expect((await ask(chains, ann)).outcome.kind).toBe('answered');
  });

  it('pays for nothing but what they chose, whatever the operator has set', async () => {
    const { chains } = await openChains();
    const ann = payer((id) => id === PAID);
    expect((await ask(chains, null)).models).toEqual([OTHER_PAID]);
    expect((await ask(chains, ann)).models).toEqual([FREE]);
    expect((await ask(chains, ann, { preferredModel: PAID, isStrict: true })).models).toEqual([PAID]);
    expect((await ask(chains, ann, { preferredModel: OTHER_PAID })).models).toEqual([FREE]);
    expect((await ask(chains, ann, { preferredModel: OTHER_PAID, isStrict: true })).models).toEqual([]);
    // Not even where nothing else is left.
    simulator.play({ kind: 'http', status: 502 }, { times: 4 });
    expect((await ask(chains, ann)).models).not.toContain(OTHER_PAID);
    const bodies = simulator.calls.filter(({ headers }) => headers.authorization === `Bearer ${ann.plain}`);
    const free = bodies.map(({ body }) => body as { model: string; provider: { max_price: object } });
    expect(free.filter(({ model }) => model !== PAID).map(({ provider }) => provider.max_price)).toEqual(
      free
        .filter(({ model }) => model !== PAID)
        .map(() => expect.objectContaining({ prompt: '0', completion: '0' })),
    );
  });

  it('whose key can’t be opened pays with nobody else’s', async () => {
    const { chains } = await openChains();
    const asked = await ask(
      chains,
      payer(() => false, null),
    );
    expect(asked.outcome).toMatchObject({ kind: 'failed', failure: { kind: 'unauthorized' } });
    expect(asked.keys).toEqual([]);
  });

  it('is forgotten when many others came since, and begins anew', async () => {
    const { chains, made } = await openChains(3);
    const [ann, ...others] = [payer(), payer(), payer(), payer()];
    if (ann === undefined) throw new Error('nobody');
    simulator.play({ kind: 'refusal', name: 'upstream-rate-limit' }, { model: FREE });
    await ask(chains, ann);
    for (const other of others.slice(0, 2)) await ask(chains, other);
    expect((await ask(chains, ann)).models).toEqual([OTHER_FREE]);
    for (const other of others) await ask(chains, other);
    expect((await ask(chains, ann)).models).toEqual([FREE]);
    expect(made()).toBe(1 + 5);
  });
});

describe('a lost attempt', () => {
  const lost = (generationId: string) => ({
    index: 0,
    epoch: 1,
    provider: 'openrouter',
    model: PAID,
    generationId,
    startedAtMs: Date.now(),
    heldNanoUsd: '777',
  });
  const askedOf = () =>
    simulator.calls
      .filter(({ path }) => path.endsWith('/generation'))
      .map(({ headers }) => String(headers.authorization).replace('Bearer ', ''));

  it('is asked for with the key that paid, and with no key where that is gone', async () => {
    const { chains } = await openChains();
    const ann = payer(() => true);
    const { outcome } = await ask(chains, ann, { preferredModel: PAID });
    const [attempt] = outcome.attempts;
    const signal = new AbortController().signal;
    const recalled = await chains.recall(lost(attempt?.generationId ?? ''), ann, signal);
    expect(recalled.usage).toMatchObject({ source: 'reported', costNanoUsd: attempt?.usage?.costNanoUsd });
    expect(new Set(askedOf())).toEqual(new Set([ann.plain]));
    const before = askedOf().length;
    const gone = await chains.recall(
      lost('gen-1'),
      { id: 'none', account: 'nobody', open: () => null, mayCost: () => false },
      signal,
    );
    expect(gone.usage).toMatchObject({ source: 'estimated', costNanoUsd: 777n });
    expect(askedOf()).toHaveLength(before);
  });
});
