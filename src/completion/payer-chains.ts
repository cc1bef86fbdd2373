import type { CompletionChain } from './completion.ts';
import type { ModelClient } from './model-client.ts';
import type { OwnKey } from './ports.ts';

export interface PayerChainsOptions {
  /** The operator's. */
  readonly operators: CompletionChain;
  /** A chain with a memory of its own; `key` is the payer's as the last turn brought it. */
  readonly open: (client: ModelClient, key: () => OwnKey) => CompletionChain;
  /** A client that pays with a key. */
  readonly client: (apiKey: string) => ModelClient;
  /** How many payers are remembered; those who asked longest ago are forgotten. */
  readonly most: number;
}

interface Entry {
  readonly chain: CompletionChain;
  /** As the last turn brought it: it may have been sealed anew since the one before. */
  readonly latest: { key: OwnKey };
}

/** A chain for each payer: cooldowns, refusals and the pace on free models of one are nothing to another. */
export function createPayerChains({ operators, open, client, most }: PayerChainsOptions): CompletionChain {
  const entries = new Map<string, Entry>();

  function chainOf(key: OwnKey | null): CompletionChain {
    if (key === null) return operators;
    const known = entries.get(key.id);
    const entry = known ?? makeEntry(key);
    entry.latest.key = key;
    // Last in the order of use.
    entries.delete(key.id);
    entries.set(key.id, entry);
    const [oldest] = entries.keys();
    if (entries.size > most && oldest !== undefined) entries.delete(oldest);
    return entry.chain;
  }

  function makeEntry(key: OwnKey): Entry {
    const latest = { key };
    const keyOfNow = (): OwnKey => latest.key;
    return { latest, chain: open(openedEachTime(keyOfNow, client), keyOfNow) };
  }

  return {
    complete: (request, listener, signal) => chainOf(request.ownKey).complete(request, listener, signal),
    recall: (lost, ownKey, signal) => chainOf(ownKey).recall(lost, ownKey, signal),
    lookBack: (ended, ownKey, signal) => chainOf(ownKey).lookBack(ended, ownKey, signal),
  };
}

/** The key is in plain for the one call that it pays for. */
function openedEachTime(key: () => OwnKey, client: PayerChainsOptions['client']): ModelClient {
  const failure = { kind: 'unauthorized', httpStatus: null, detail: 'the key can not be opened' } as const;
  return {
    provider: 'openrouter',
    run(call, sink, signal) {
      const apiKey = key().open();
      return apiKey === null
        ? Promise.resolve({ ...NOTHING_BEGAN, kind: 'failed', failure })
        : client(apiKey).run(call, sink, signal);
    },
    lookUp(generationId, timeoutMs, signal) {
      const apiKey = key().open();
      const asked = apiKey === null ? null : client(apiKey).lookUp?.(generationId, timeoutMs, signal);
      return asked ?? Promise.resolve({ kind: 'failed', failure });
    },
  };
}

const NOTHING_BEGAN = {
  generationId: null,
  modelUsed: null,
  began: false,
  usage: null,
  estimatedTokens: { completion: 0, reasoning: 0 },
} as const;
