import type { Logger } from 'pino';
import { createCatalogue } from './completion/catalogue.ts';
import { createCompletionChain } from './completion/chain.ts';
import type { CompletionChain } from './completion/completion.ts';
import { createExperience } from './completion/experience.ts';
import { createKeyDesk } from './completion/key-desk.ts';
import { createOpenRouterClient } from './completion/openrouter.ts';
import { createPayerChains } from './completion/payer-chains.ts';
import type { CompletionAlert, KeyDesk, ModelShelf } from './completion/ports.ts';
import { sleep } from './completion/sleep.ts';
import { OPENROUTER_URL } from './config-models.ts';
import type { Config } from './config.ts';
import { createFreeAnswers, type FreeAnswers } from './free-answers.ts';
import { every } from './jobs/every.ts';
import { keepListsFresh } from './jobs/model-lists.ts';
import type { FreePoolReader } from './limits/free-ports.ts';
import { createProviders } from './model-providers.ts';
import type { Store } from './store/store.ts';

export interface UpstreamOptions {
  readonly config: Config;
  readonly log: Logger;
}

type WhenStopped = (close: () => Promise<unknown>) => void;

const HOUR_MS = 3_600_000;
const EXPERIENCE_MS = 600_000;
/** Read without a key, for the prices in it. */
const PUBLIC_LIST = { apiKey: null, baseUrl: OPENROUTER_URL };
/** Each takes some kilobytes. */
const MOST_PAYERS = 1000;
/** Alerts that are about models and not about an account. */
const OF_THE_LIST: readonly CompletionAlert['kind'][] = ['free_model_cost', 'model_gone'];

export interface UpstreamParts {
  readonly chain: CompletionChain;
  readonly models: ModelShelf;
  readonly desk: KeyDesk;
  /** What the operator's key was billed since the UTC day began, in nano-USD; null where there is none, or nobody tells. */
  readonly billedToday: () => Promise<bigint | null>;
  readonly freePools: FreePoolReader;
  readonly leavePlace: FreeAnswers['leave'];
}

/** What answers, and what people can choose from. */
export async function createUpstream(
  { config, log }: UpstreamOptions,
  store: Store,
  whenStopped: WhenStopped,
): Promise<UpstreamParts> {
  const { model } = config;
  const openrouter = model.upstream ?? (model.isSimulated ? await startSimulator(whenStopped) : null);
  const now = Date.now;
  const catalogue = createCatalogue({ ...(openrouter ?? PUBLIC_LIST), store: store.catalogue, now, log });
  await catalogue.load();
  const experience = createExperience({ store: store.experience, random: Math.random, log });
  const learning = every(
    EXPERIENCE_MS,
    () => experience.refresh(),
    () => undefined,
  );
  whenStopped(() => learning.stop());
  const hasOwnKeys = config.encryption.primary !== null;
  const asked = { openrouter, catalogue, hasOwnKeys, now, log };
  const { clients, ownModels, lists, models } = createProviders(model, asked);
  const refreshing = keepListsFresh(lists, model.refreshHours * HOUR_MS, now, (error) =>
    log.warn({ err: error }, 'refreshing the model lists failed'),
  );
  whenStopped(() => refreshing.stop());
  const onAlert = (alert: CompletionAlert) => log.error({ alert }, 'an operator should look at this');
  const settings = { ...model, ...model.timers };
  const tools = { catalogue, experience, now, random: Math.random, sleep, log };
  const { baseUrl } = openrouter ?? PUBLIC_LIST;
  const desk = createKeyDesk({ baseUrl });
  const free = createFreeAnswers({ config, openrouter, store, desk, now, log });
  whenStopped(() => Promise.resolve(free.stop()));
  const { appUrl, appName } = model;
  const chain = createPayerChains({
    operators: createCompletionChain({
      ...tools,
      clients,
      ownModels,
      settings,
      freePlaces: free.ofOperator,
      onAlert,
    }),
    open: (client, key) =>
      createCompletionChain({
        ...tools,
        clients: [client],
        ownModels: [],
        freePlaces: free.ofKey(key),
        // Whoever pays has a say in it: `freeOnly` is about the operator's money, the other providers are the operator's.
        settings: { ...settings, freeOnly: false, emergencyModel: null, providers: ['openrouter'] },
        // What is wrong with somebody's own account is told to them.
        onAlert: (alert) => void (OF_THE_LIST.includes(alert.kind) && onAlert(alert)),
      }),
    client: (apiKey) => createOpenRouterClient({ apiKey, baseUrl, appUrl, appName, now }),
    most: MOST_PAYERS,
  });
  const billedToday = async () => (openrouter === null ? null : await desk.billedToday(openrouter.apiKey));
  return { chain, models, desk, billedToday, freePools: free.reader, leavePlace: free.leave };
}

/** The demo's model: quick, but visibly word by word, and without limits that would only confuse. */
async function startSimulator(whenStopped: WhenStopped): Promise<{ apiKey: string; baseUrl: string }> {
  const { startOpenRouterSimulator } = await import('./simulator/openrouter.ts');
  const unlimited = Number.MAX_SAFE_INTEGER;
  const simulator = await startOpenRouterSimulator({
    pace: { firstTokenMs: 300, tokensPerSecond: 60 },
    freeLimits: { perMinute: unlimited, perDay: unlimited },
  });
  whenStopped(() => simulator.stop());
  return { apiKey: 'sk-or-v1-simulated', baseUrl: simulator.url };
}
