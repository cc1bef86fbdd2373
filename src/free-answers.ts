import { setTimeout as delay } from 'node:timers/promises';
import type { FreePlace, FreePlaces } from './completion/free-places.ts';
import type { KeyDesk, OwnKey } from './completion/ports.ts';
import type { ProviderName } from './completion/provider.ts';
import type { Upstream } from './config-models.ts';
import type { Config } from './config.ts';
import type { FreePoolReader } from './limits/free-ports.ts';
import { createFreePools } from './limits/free-pools.ts';
import type { Logger } from './platform/logger.ts';
import type { Store } from './store/store.ts';

export interface FreeAnswersParts {
  readonly config: Config;
  /** Null where the operator does not ask OpenRouter. */
  readonly openrouter: Upstream | null;
  readonly store: Pick<Store, 'freePools'>;
  readonly desk: KeyDesk;
  readonly now: () => number;
  readonly log: Logger;
}

/** The free pools of all payers, connected: the operator's, and those of own keys. */
export interface FreeAnswers {
  readonly reader: FreePoolReader;
  /** Always the same one for a provider. */
  readonly ofOperator: (provider: ProviderName) => FreePlaces;
  /** A new one for each that is remembered of a key; the row is the same. */
  readonly ofKey: (key: () => OwnKey) => (provider: ProviderName) => FreePlaces;
  /** A place that came with an admission is for others after all, whoever pays. Does not wait until it is done. */
  readonly leave: (place: FreePlace) => void;
  /** Whoever still waits is left to the process's end. */
  stop(): void;
}

export function createFreeAnswers(parts: FreeAnswersParts): FreeAnswers {
  const { config, openrouter, store, desk, now, log } = parts;
  // Models that are played have no limits, which would only confuse.
  const kept = config.model.isSimulated
    ? { store: null, perMinute: Number.MAX_SAFE_INTEGER }
    : { store: store.freePools, perMinute: config.limits.freePerMinute };
  const pools = createFreePools({ ...kept, now, sleep: nap, log });
  const dayOf = async (apiKey: string | null) => {
    const look = apiKey === null ? null : await desk.look(apiKey);
    return look?.kind === 'good' ? look.freeDay : null;
  };
  const operators = {
    openrouter: pools.open('operator', 'openrouter', () => dayOf(openrouter?.apiKey ?? null)),
    gemini: pools.open('operator', 'gemini'),
    huggingface: pools.open('operator', 'huggingface'),
  };
  if (openrouter !== null) operators.openrouter.look();
  return {
    reader: pools,
    ofOperator: (provider) => operators[provider],
    ofKey: (key) => (provider) => pools.open(key().account, provider, () => dayOf(key().open())),
    leave: (place) => operators.openrouter.giveBack(place),
    stop: () => pools.stop(),
  };
}

/** Resolves after `ms`, or as soon as the signal is aborted; waiting alone keeps no process alive. */
const nap = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { ref: false, signal }).catch(() => undefined);
