import type { AttemptRecord, LostAttempt } from '../../../src/completion/attempt.ts';
import type { BudgetStanding } from '../../../src/completion/budget.ts';
import type {
  CatalogueStore,
  CompletionAlert,
  CompletionLog,
  ModelExperience,
} from '../../../src/completion/ports.ts';
import { createCatalogue, type Catalogue } from '../../../src/completion/catalogue.ts';
import {
  createCompletionChain,
  type ChainDependencies,
  type ChainSettings,
} from '../../../src/completion/chain.ts';
import type {
  CompletionChain,
  CompletionOutcome,
  CompletionRequest,
  CostGrant,
} from '../../../src/completion/completion.ts';
import type { FreePlace } from '../../../src/completion/free-places.ts';
import { createExperience } from '../../../src/completion/experience.ts';
import { sleep, type Sleep } from '../../../src/completion/sleep.ts';
import type { OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import { freePlacesOf } from '../../support/free-places.ts';
import { clientOf } from './upstream.ts';

export const memoryStore: CatalogueStore = { load: async () => null, save: async () => {} };

export interface TestBench {
  readonly catalogue: Catalogue;
  readonly alerts: CompletionAlert[];
  readonly warnings: string[];
  /** What was waited for, in order. None of it takes real time: the clock jumps. */
  readonly waits: number[];
  readonly clock: TestClock;
  readonly chain: CompletionChain;
  ask(options?: AskOptions): Promise<Asked>;
  recall(lost: LostAttempt, signal?: AbortSignal): Promise<AttemptRecord>;
}

export interface AskOptions {
  readonly request?: Partial<CompletionRequest>;
  readonly grant?: (attempt: number, nanoUsd: bigint) => CostGrant | Promise<CostGrant>;
  readonly signal?: AbortSignal;
  readonly onText?: (text: string) => void;
}

export interface Asked {
  readonly outcome: CompletionOutcome;
  readonly text: string;
  readonly generations: readonly { index: number; model: string; generationId: string }[];
  readonly holds: readonly { attempt: number; nanoUsd: bigint }[];
}

const granted: CostGrant = { granted: true };

/** A budget of $5 that nothing is left of. */
export const spentBudget: BudgetStanding = {
  subject: 'guild',
  window: 'day',
  limitNanoUsd: 5e9,
  usedNanoUsd: 5e9,
  resetsAtMs: 5,
};
export const grantNothing = (): CostGrant => ({ granted: false, budget: spentBudget });

export const startMs = Date.UTC(2026, 10, 21, 12, 0, 0);

/** A clock that only moves when it is told to. */
export interface TestClock {
  nowMs: number;
}

export interface BenchOptions {
  readonly random?: () => number;
  readonly seen?: readonly ModelExperience[];
  /** Of free models, for each provider; a tenth of it is left unused. */
  readonly freePerMinute?: number;
  /** Receives the free places that were taken and not used. */
  readonly left?: FreePlace[];
  /** Who is asked in place of OpenRouter alone. */
  readonly services?: (catalogue: Catalogue) => Pick<ChainDependencies, 'clients' | 'ownModels'>;
}

/** A chain on the real client over a socket; `clock` is best that of the simulator too. */
export async function testBench(
  simulator: Pick<OpenRouterSimulator, 'url'>,
  clock: TestClock,
  settings: Partial<ChainSettings> = {},
  { random = () => 0.5, seen = [], freePerMinute, left = [], services }: BenchOptions = {},
): Promise<TestBench> {
  const now = () => clock.nowMs;
  const alerts: CompletionAlert[] = [];
  const warnings: string[] = [];
  const waits: number[] = [];
  const log: CompletionLog = {
    info: () => {},
    warn: (fields, message) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
    error: (fields, message) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
  };
  const catalogue = createCatalogue({ baseUrl: simulator.url, apiKey: null, store: memoryStore, now, log });
  await catalogue.refresh();
  const experience = createExperience({ store: { recent: () => Promise.resolve(seen) }, random, log });
  await experience.refresh();
  const jump: Sleep = async (ms, signal) => {
    waits.push(ms);
    clock.nowMs += ms;
    await sleep(0, signal);
  };
  const placesOf = freePlacesOf({
    now,
    sleep: jump,
    ...(freePerMinute !== undefined && { perMinute: freePerMinute }),
  });
  const chain = createCompletionChain({
    ...(services?.(catalogue) ?? { clients: [clientOf(simulator, now)], ownModels: [] }),
    catalogue,
    experience,
    settings: {
      freeOnly: true,
      defaultModel: null,
      fallbackModels: [],
      emergencyModel: null,
      providers: ['openrouter'],
      caching: { strategy: 'auto', minTokens: 1024 },
      modelTimeoutMs: 45_000,
      firstTokenTimeoutMs: 15_000,
      idleTokenTimeoutMs: 20_000,
      answerMaxMs: 300_000,
      ...settings,
    },
    now,
    random,
    sleep: jump,
    freePlaces: (provider) => ({ ...placesOf(provider), giveBack: (place) => void left.push(place) }),
    log,
    onAlert: (alert) => void alerts.push(alert),
  });

  return {
    catalogue,
    alerts,
    warnings,
    waits,
    clock,
    chain,
    recall: (lost, signal) => chain.recall(lost, null, signal ?? new AbortController().signal),
    async ask({ request = {}, grant = () => granted, signal, onText } = {}) {
      let text = '';
      const generations: { index: number; model: string; generationId: string }[] = [];
      const holds: { attempt: number; nanoUsd: bigint }[] = [];
      const outcome = await chain.complete(
        {
          messages: [{ role: 'user', content: 'How are you today?' }],
          maxTokens: 100,
          temperature: 0.7,
          preferredModel: null,
          isStrict: false,
          allowedModels: null,
          ownKey: null,
          endUser: 'person-1',
          sessionId: 'conversation-1',
          ...request,
        },
        {
          onText(delta) {
            text += delta;
            onText?.(text);
          },
          onGeneration: (generation) => void generations.push(generation),
          async holdCost(attempt, nanoUsd) {
            holds.push({ attempt, nanoUsd });
            return grant(attempt, nanoUsd);
          },
        },
        signal ?? new AbortController().signal,
      );
      return { outcome, text, generations, holds };
    },
  };
}
