import { createAccount, type Account } from './account.ts';
import { createCooldowns, type CooldownOptions, type Cooldowns } from './cooldowns.ts';
import type { FreePlaces } from './free-places.ts';
import type { ModelClient } from './model-client.ts';
import type { ProviderName } from './provider.ts';

/** A provider, and what was learnt about it: of one that refuses us the others know nothing. Kept in memory. */
export interface ProviderState {
  readonly client: ModelClient;
  readonly cooldowns: Cooldowns;
  readonly account: Account;
  readonly places: FreePlaces;
}

export interface ProviderStateOptions extends CooldownOptions {
  readonly clients: readonly ModelClient[];
  readonly freePlaces: (provider: ProviderName) => FreePlaces;
}

export type ProviderStates = ReadonlyMap<ProviderName, ProviderState>;

export function createProviderStates({
  clients,
  freePlaces,
  ...options
}: ProviderStateOptions): ProviderStates {
  return new Map(
    clients.map((client) => [
      client.provider,
      {
        client,
        cooldowns: createCooldowns(options),
        account: createAccount(options.now, client.provider !== 'openrouter'),
        places: freePlaces(client.provider),
      },
    ]),
  );
}

/** Throws where there is no such provider: only those are asked that there are. */
export function stateOf(states: ProviderStates, provider: ProviderName): ProviderState {
  const state = states.get(provider);
  if (state === undefined) throw new Error(`There is no client for ${provider}.`);
  return state;
}
