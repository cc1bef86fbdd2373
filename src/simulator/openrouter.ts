/**
 * A faithful stand-in for OpenRouter on loopback: the model of the demo mode, and the upstream of the tests.
 *
 * It plays `POST /chat/completions` (whole and streamed, with every fault of `scenario.ts`), `/models`, `/models/user`, `/model/{author}/{slug}`,
 * `/models/{author}/{slug}/endpoints`, `/key` (`/auth/key`), `/credits`, `/generation` and the sign-in
 * (`/auth`, where a POST stands for the person who allows it, and `/auth/keys`); checks requests, routes by `models`, `openrouter/free`,
 * `openrouter/auto` and the `provider` preferences; counts free requests by account; and bills in exact nano-USD, so that the costs in answers, keys
 * and generations agree. Models whose prices tell what reading their cache costs keep prompts as their providers do (`prompt-cache.ts`).
 *
 * It does not play caches that last an hour, image and audio output, embeddings, key
 * management, presets, `~…-latest` aliases, the response cache or `openrouter_metadata`. Other paths answer a 404.
 *
 * Under `/__simulator/` other processes steer it: `POST play {scenario, match}`, `GET calls`, `POST reset`, `POST models {models}`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAccounts, type SimulatedKey } from './accounts.ts';
import { builtInModels } from './built-in-models.ts';
import type { SimulatedModel } from './catalogue.ts';
import type { Pace } from './completion.ts';
import { answerControl } from './control.ts';
import { createGenerations, type SimulatedGeneration } from './generations.ts';
import { answerRequest } from './router.ts';
import { createPromptCache } from './prompt-cache.ts';
import { createScenarioQueue, scenarioSchema, type Scenario, type ScenarioMatch } from './scenario.ts';
import { createSignIns } from './sign-ins.ts';
import type { SimulatedCall, SimulatorState } from './state.ts';

export interface SimulatorOptions {
  /** Default 0: any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Accepted Bearer keys, of one account unless they name others. Default `sk-or-v1-simulated`. */
  keys?: readonly (string | SimulatedKey)[];
  /** Of ids and of the routers' choices. */
  seed?: number;
  now?: () => number;
  models?: readonly SimulatedModel[];
  /** Default: at once. */
  pace?: Pace;
  /** By account, refused attempts included. Default 20 and 1000. */
  freeLimits?: { perMinute: number; perDay: number };
  /** Credits of every account as a decimal number of USD; default `100`, a negative one is a debt. */
  creditsUsd?: string;
  /** Plugins that the account has on unless a request turns them off. Default none. */
  defaultPlugins?: readonly string[];
  /** Default 20 MiB. */
  maxBodyBytes?: number;
  /** What a chat request plays for which no scenario waits. Default: the demo answer. */
  script?: (call: SimulatedCall) => Scenario;
  /** How many of the latest calls are kept. Default 10,000. */
  keptCalls?: number;
}

export interface OpenRouterSimulator {
  /** `http://HOST:PORT/api/v1`. */
  readonly url: string;
  /** The latest requests in the order of their arrival, those under way included. */
  readonly calls: readonly SimulatedCall[];
  /** The next matching chat requests that are let in play this scenario, first in, first out. Throws a `ZodError` for an unknown or wrong field. */
  play(scenario: Scenario, match?: ScenarioMatch): void;
  /** Forgets scenarios, calls, generations, spendings, counters and cached prompts; keeps the models. */
  reset(): void;
  /** The record of a generation, also before `GET /generation` shows it. */
  generation(id: string): SimulatedGeneration | undefined;
  setModels(models: readonly SimulatedModel[]): void;
  /** Adds a key, or changes one: revokes it, for one. */
  setKey(key: SimulatedKey): void;
  /** Ends open connections and the server. Rejects with an `AggregateError` when the simulator itself failed on any request. */
  stop(): Promise<void>;
}

/** Starts the simulator; rejects with the system's error when the address cannot be bound. */
export async function startOpenRouterSimulator(options: SimulatorOptions = {}): Promise<OpenRouterSimulator> {
  const { port = 0, host = '127.0.0.1', keptCalls = 10_000 } = options;
  const state = createState(options);
  const mistakes: unknown[] = [];
  const steering = {
    play: (scenario: unknown, match?: unknown) => state.scenarios.add(scenario, match),
    reset: () => {
      state.scenarios.clear();
      state.calls.length = 0;
      Object.assign(state, createBooks(options, state.now));
    },
    calls: () => state.calls,
    setModels: (models: readonly SimulatedModel[]) => {
      state.models = models;
    },
  };
  const server = createServer((request, response) => {
    const handle = request.url?.startsWith('/__simulator/') === true ? control : serve;
    handle(request, response).catch((error: unknown) => {
      // A client that leaves while it sends its body is no mistake of the simulator; anything else comes to light in stop().
      if (request.complete) mistakes.push(error);
      response.destroy();
    });
  });
  const control = (request: IncomingMessage, response: ServerResponse) =>
    answerControl(steering, request, response);
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (state.calls.length >= keptCalls) state.calls.splice(0, state.calls.length - keptCalls + 1);
    await answerRequest(state, request, response);
  };
  server.requestTimeout = 0;
  // Longer than any client keeps an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  const { port: boundPort } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${boundPort}/api/v1`,
    get calls() {
      return state.calls;
    },
    play: steering.play,
    reset: steering.reset,
    generation: (id) => state.generations.get(id),
    setModels: steering.setModels,
    setKey: (key) => state.accounts.set(key),
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      if (mistakes.length > 0) throw new AggregateError(mistakes, 'the simulator failed');
    },
  };
}

function createState(options: SimulatorOptions): SimulatorState {
  const now = options.now ?? Date.now;
  return {
    models: options.models ?? builtInModels,
    ...createBooks(options, now),
    scenarios: createScenarioQueue(scenarioSchema),
    script: options.script ?? (() => ({ kind: 'answer' })),
    calls: [],
    pace: options.pace ?? { firstTokenMs: 0, tokensPerSecond: Number.POSITIVE_INFINITY },
    freeLimits: options.freeLimits ?? defaultFreeLimits,
    defaultPlugins: options.defaultPlugins ?? [],
    maxBodyBytes: options.maxBodyBytes ?? 20 * 1024 * 1024,
    now,
    random: seededRandom(options.seed ?? 1),
  };
}

const defaultFreeLimits = { perMinute: 20, perDay: 1000 };

/** Everything that counts money or requests. */
function createBooks(
  { keys = ['sk-or-v1-simulated'], creditsUsd = '100', freeLimits = defaultFreeLimits }: SimulatorOptions,
  now: () => number,
): Pick<SimulatorState, 'accounts' | 'signIns' | 'generations' | 'promptCache'> {
  const accounts = createAccounts({ keys, creditsUsd, freeLimits, now });
  return {
    promptCache: createPromptCache(now),
    accounts,
    signIns: createSignIns({ now, addKey: (key) => accounts.set({ key, account: 'signed in' }) }),
    generations: createGenerations(now),
  };
}

/** The generator mulberry32: the same numbers (0 up to 1) for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
