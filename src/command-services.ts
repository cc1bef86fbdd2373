import type { CommandServices } from './commands/command.ts';
import type { ModelShelf } from './completion/ports.ts';
import type { Engine } from './conversation/engine.ts';
import type { EngineSettings } from './engine-settings.ts';
import type { FreePoolReader } from './limits/free-ports.ts';
import type { OwnKeys } from './own-keys.ts';
import type { PlatformAdapter } from './platform/adapter.ts';
import { platformOf, type Platform } from './platform/ids.ts';
import type { ServedPlans } from './served-plans.ts';
import type { Store } from './store/store.ts';

export interface CommandServicesParts {
  readonly store: Store;
  readonly models: ModelShelf;
  readonly freePools: FreePoolReader;
  readonly ownKeys: OwnKeys;
  readonly adapters: ReadonlyMap<Platform, PlatformAdapter>;
  readonly settings: EngineSettings;
  readonly plans: ServedPlans['services'];
  readonly newReportId: () => string;
}

/** What commands may use, each from whoever has it. */
export function commandServices(
  { store, models, freePools, ownKeys, adapters, settings, plans, newReportId }: CommandServicesParts,
  engine: Engine,
): CommandServices {
  return {
    engine,
    store: store.turns,
    usage: store.usage,
    stories: store.stories,
    guildSettings: store.guildSettings,
    preferences: store.preferences,
    budgets: store.budgets,
    models,
    keys: ownKeys.keeper,
    quotas: store.quotas,
    freePools,
    ...plans,
    requests: store.accessRequests,
    blocks: store.blocks,
    reports: store.reports,
    audit: store.audit,
    officeOf: (guild) => adapters.get(platformOf(guild))?.guilds ?? null,
    newReportId,
    access: settings.access,
    now: Date.now,
  };
}
