import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { createCatalogue, type Catalogue } from '../src/completion/catalogue.ts';
import { createCompletionChain } from '../src/completion/chain.ts';
import { createOpenRouterClient } from '../src/completion/openrouter.ts';
import { sleep } from '../src/completion/sleep.ts';
import type { SimulatedModel } from '../src/simulator/catalogue.ts';
import type { Scenario } from '../src/simulator/scenario.ts';
import { freePlacesOf } from '../tests/support/free-places.ts';
import { killChildren, startChild } from './child.ts';
import { spreadOf, type Spread } from './figures.ts';
import { formatTable } from './table.ts';

export interface ChainOptions {
  readonly isQuick: boolean;
  /** Receives the table. */
  readonly print: (text: string) => void;
  /** Receives what is going on. */
  readonly say: (line: string) => void;
}

/** What one failed attempt adds to a turn, in milliseconds: through Parley's chain, and through a bare loop over the SDK. */
interface FaultResult {
  readonly fault: string;
  readonly parleyMs: Spread;
  readonly bareMs: Spread;
}

export interface ChainReport {
  readonly benchmark: 'chain';
  readonly isQuick: boolean;
  readonly node: string;
  readonly turns: number;
  readonly faults: readonly FaultResult[];
}

const KEY = 'sk-or-v1-simulated';
const FAILURES = 3;
const WARM_UP = 20;

/** One more than fail: the chain asks none twice. All cost something, because free ones are few a minute. */
const models: readonly SimulatedModel[] = Array.from({ length: FAILURES + 1 }, (_, index) => ({
  id: `bench/model-${index}`,
  pricing: { prompt: '0.000000001', completion: '0.000000001' },
}));
const ids = models.map(({ id }) => id);

const broken = (fault: Extract<Scenario, { kind: 'answer' }>['fault']): Scenario => ({
  kind: 'answer',
  text: 'never',
  ...(fault !== undefined && { fault }),
});
const FAULTS: Readonly<Record<string, Scenario>> = {
  'a 429 of a provider': { kind: 'refusal', name: 'upstream-rate-limit' },
  'a 503': { kind: 'refusal', name: 'unavailable' },
  'a 404, no endpoint': { kind: 'refusal', name: 'no-endpoints' },
  'a page of 64 KB': { kind: 'http', status: 502, body: '<html>', padToBytes: 65_536 },
  'an error as first event': broken({ kind: 'error', afterTokens: 0 }),
  'a stream that ends early': broken({ kind: 'cut', afterTokens: 0 }),
  'an empty answer': { kind: 'answer', text: '' },
  'a reset connection': { kind: 'connection', event: 'reset' },
};

/**
 * Measures how much later a failed attempt lets the first text of a turn come, beyond the upstream's own time: turns whose first three models fail against
 * turns whose first one answers, for Parley's chain and for a loop that asks the SDK for one model after the other. Both
 * take turns, on one simulator in a process of its own. Rejects when a turn was not answered.
 */
export async function benchChain({ isQuick, print, say }: ChainOptions): Promise<ChainReport> {
  const turns = isQuick ? 60 : 400;
  const root = fileURLToPath(new URL('..', import.meta.url));
  const simulator = startChild(['tests/simulators/main.ts', 'openrouter'], { cwd: root });
  try {
    const url = await simulator.untilLine('http://');
    const order = orders(url);
    await order('models', { models });
    const catalogue = await readCatalogue(url);
    const contestants = { parley: parleyTurn(url, catalogue), bare: bareTurn(url) };
    const faults: FaultResult[] = [];
    for (const [fault, scenario] of Object.entries(FAULTS)) {
      say(fault);
      faults.push({ fault, ...(await compare(contestants, scenario, turns, order)) });
    }
    await simulator.end();
    print(
      formatTable(`what a failed attempt adds, ${turns} turns of each kind`, [
        ['', 'Parley median', 'p95', 'bare median', 'p95', 'Parley − bare'],
        ...faults.map(
          ({ fault, parleyMs, bareMs }) =>
            [
              fault,
              ms(parleyMs.median),
              ms(parleyMs.p95),
              ms(bareMs.median),
              ms(bareMs.p95),
              ms(parleyMs.median - bareMs.median),
            ] as const,
        ),
      ]),
    );
    print(LEGEND);
    return { benchmark: 'chain', isQuick, node: process.version, turns, faults };
  } finally {
    await killChildren();
  }
}

const LEGEND = `Until the first text of a turn with three failures, less the median of turns without any, divided by three. The bare
loop asks the same SDK for the same models and knows nothing: what it takes is the upstream's own time and the
network's. Timeouts are left out: there the timers decide. Where a paid call broke off without its figures, the
provider is asked for them meanwhile; the end of a turn that is shorter than that waits for it, up to 1.5 s.
`;

const ms = (value: number): string => `${value.toFixed(2)} ms`;

/** Tells when the first text came; resolves with the number of its attempts. */
type Turn = (onText: () => void) => Promise<number>;
type Order = (name: string, body: object) => Promise<void>;

async function compare(
  { parley, bare }: { readonly parley: Turn; readonly bare: Turn },
  fault: Scenario,
  turns: number,
  order: Order,
): Promise<Omit<FaultResult, 'fault'>> {
  const samples = { parley: emptySample(), bare: emptySample() };
  for (let count = -WARM_UP; count < turns; count += 1) {
    for (const name of ['parley', 'bare'] as const) {
      const turn = name === 'parley' ? parley : bare;
      const smooth = await timed(turn, 1);
      for (const model of ids.slice(0, FAILURES)) await order('play', { scenario: fault, match: { model } });
      const bumpy = await timed(turn, FAILURES + 1);
      if (count < 0) continue;
      samples[name].smooth.push(smooth);
      samples[name].bumpy.push(bumpy);
    }
    // The log of calls grows with each turn.
    if (count % 50 === 0) {
      await order('reset', {});
      await order('models', { models });
    }
  }
  return { parleyMs: addedBy(samples.parley), bareMs: addedBy(samples.bare) };
}

interface Sample {
  readonly smooth: number[];
  readonly bumpy: number[];
}

const emptySample = (): Sample => ({ smooth: [], bumpy: [] });

function addedBy({ smooth, bumpy }: Sample): Spread {
  const usual = spreadOf(smooth)?.median ?? Number.NaN;
  const added = spreadOf(bumpy.map((time) => (time - usual) / FAILURES));
  if (added === null) throw new Error('nothing was measured');
  return added;
}

async function timed(turn: Turn, expectedAttempts: number): Promise<number> {
  const fromMs = performance.now();
  let tookMs = Number.NaN;
  const attempts = await turn(() => {
    if (Number.isNaN(tookMs)) tookMs = performance.now() - fromMs;
  });
  if (attempts !== expectedAttempts) throw new Error(`${attempts} attempts in place of ${expectedAttempts}`);
  return tookMs;
}

function orders(url: string): Order {
  return async (name, body) => {
    const response = await fetch(new URL(`/__simulator/${name}`, url), {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  };
}

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

async function readCatalogue(baseUrl: string): Promise<Catalogue> {
  const store = { load: () => Promise.resolve(null), save: () => Promise.resolve() };
  const catalogue = createCatalogue({ baseUrl, apiKey: null, store, now: Date.now, log: quiet });
  await catalogue.refresh();
  return catalogue;
}

/** A chain of its own for each turn: what one turn learns of a model would keep the next from asking it. */
function parleyTurn(baseUrl: string, catalogue: Catalogue): Turn {
  const client = createOpenRouterClient({
    apiKey: KEY,
    baseUrl,
    appUrl: null,
    appName: 'bench',
    now: Date.now,
  });
  const settings = {
    freeOnly: false,
    defaultModel: ids[0] ?? null,
    fallbackModels: ids.slice(1, FAILURES),
    // The last call of a turn is the last resort's.
    emergencyModel: ids[FAILURES] ?? null,
    providers: ['openrouter'] as const,
    modelTimeoutMs: 45_000,
    firstTokenTimeoutMs: 15_000,
    idleTokenTimeoutMs: 20_000,
    answerMaxMs: 300_000,
    caching: { strategy: 'auto', minTokens: 1024 } as const,
  };
  const request = {
    messages: [{ role: 'user', content: 'How are you?' }],
    maxTokens: 100,
    temperature: 0.7,
    preferredModel: null,
    isStrict: false,
    allowedModels: null,
    ownKey: null,
    endUser: 'bench',
    sessionId: 'bench',
  } as const;
  const listener = {
    onGeneration: () => {},
    holdCost: () => Promise.resolve({ granted: true } as const),
  };
  const parts = { clients: [client], ownModels: [], catalogue, settings, sleep, log: quiet };
  return async (onText) => {
    const chain = createCompletionChain({
      ...parts,
      experience: { order: (ranked) => ranked },
      now: Date.now,
      random: Math.random,
      onAlert: () => {},
      freePlaces: freePlacesOf({ now: Date.now }),
    });
    const outcome = await chain.complete(request, { ...listener, onText }, new AbortController().signal);
    if (outcome.kind !== 'answered') throw new Error(`a turn ended as ${outcome.kind}`);
    return outcome.attempts.length;
  };
}

/** Asks one model after the other until one gives text. */
function bareTurn(baseURL: string): Turn {
  const openai = new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0, logLevel: 'off' });
  return async (onText) => {
    for (const [index, model] of ids.entries()) if (await answers(openai, model, onText)) return index + 1;
    throw new Error('no model answered the bare loop');
  };
}

async function answers(openai: OpenAI, model: string, onText: () => void): Promise<boolean> {
  let text = '';
  try {
    const stream = await openai.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'How are you?' }],
      max_tokens: 100,
      stream: true,
    });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (text !== '') onText();
    }
  } catch {
    return false; // Whatever it was, the next model is asked.
  }
  return text !== '';
}
