import type { CatalogueStore, ExperienceStore } from '../completion/ports.ts';
import type { AnswerStories } from '../conversation/answer-story.ts';
import type { AccessRequests, ErrorLog } from '../conversation/operation-ports.ts';
import type { TurnStore } from '../conversation/ports.ts';
import type { GuildSettings, Preferences } from '../conversation/setting-ports.ts';
import type { FreePoolStore } from '../limits/free-ports.ts';
import type { KeyStore, KeyVault } from '../keys/ports.ts';
import type { AdapterMemory } from '../platform/adapter.ts';
import type { UsageReader } from '../usage/ports.ts';
import { createAccessRequests } from './access-requests.ts';
import { createAdapterMemory } from './adapter-memory.ts';
import { createCatalogueStore } from './catalogue-store.ts';
import type { StoreLog } from './connection.ts';
import { createControl, type Control } from './control.ts';
import type { Database } from './database.ts';
import { createErrorLog } from './error-log.ts';
import { createExperienceStore } from './experience-store.ts';
import { createFreePoolStore } from './free-pool-store.ts';
import { createGuildSettings } from './guild-settings.ts';
import { forgetSealed, keepHouse } from './housekeeping.ts';
import { createKeyVault } from './key-vault.ts';
import { createPreferences } from './preferences.ts';
import { createProviderKeys } from './provider-keys.ts';
import { createQuotaCounters, type QuotaCounters } from './quota-counters.ts';
import { createSettingsStore, type SettingsStore } from './settings-store.ts';
import { createStoryReader } from './story-reader.ts';
import { createTurnStore } from './turn-store.ts';
import { createUsageReader, type DefaultQuotas } from './usage-reader.ts';

export interface StoreOptions {
  readonly log: StoreLog;
  /** Allowances of subjects that have none of their own, as given to admissions. */
  readonly defaults: DefaultQuotas;
  /** This life of the process, as others see it. */
  readonly instance: string;
  /** Replaces the database's clock, for tests. */
  readonly now?: () => number;
}

/** Everything durable, by concern. */
export interface Store {
  readonly turns: TurnStore;
  readonly usage: UsageReader;
  readonly stories: AnswerStories;
  readonly catalogue: CatalogueStore;
  readonly experience: ExperienceStore;
  readonly settings: SettingsStore;
  readonly guildSettings: GuildSettings;
  readonly preferences: Preferences;
  readonly keys: KeyStore;
  readonly vault: KeyVault;
  readonly errors: ErrorLog;
  readonly control: Control;
  readonly accessRequests: AccessRequests;
  readonly freePools: FreePoolStore;
  readonly counters: QuotaCounters;
  readonly memory: AdapterMemory;
  /** To be called daily. Rejects with `StoreUnavailable`. */
  housekeeping(): Promise<void>;
  /** To be called every minute. Rejects with `StoreUnavailable`. */
  forgetSealed(): Promise<void>;
}

export function createStore(database: Database, options: StoreOptions): Store {
  const { sql } = database;
  const { now } = options;
  return {
    turns: createTurnStore(sql, now),
    usage: createUsageReader(sql, options.defaults, now),
    stories: createStoryReader(sql),
    catalogue: createCatalogueStore(database),
    experience: createExperienceStore(sql),
    settings: createSettingsStore(database),
    guildSettings: createGuildSettings(sql),
    preferences: createPreferences(sql),
    keys: createProviderKeys(sql, now),
    vault: createKeyVault(sql),
    errors: createErrorLog(database, options.log),
    control: createControl(database),
    accessRequests: createAccessRequests(database),
    freePools: createFreePoolStore(sql, now),
    counters: createQuotaCounters(sql, now),
    memory: createAdapterMemory(sql, { instance: options.instance, isAlone: database.kind === 'embedded' }),
    housekeeping: () => keepHouse(sql, options.log, now),
    forgetSealed: () => forgetSealed(sql, now),
  };
}
