import type { CatalogueStore, ExperienceStore } from '../completion/ports.ts';
import type { AnswerStories } from '../conversation/answer-story.ts';
import type { AccessRequests, AuditLog, Blocks, ErrorLog, Reports } from '../conversation/operation-ports.ts';
import type { Corrections } from '../conversation/correction-ports.ts';
import type { TurnStore } from '../conversation/ports.ts';
import type { GuildSettings, Preferences } from '../conversation/setting-ports.ts';
import type { FreePoolStore } from '../limits/free-ports.ts';
import type { KeyStore, KeyVault } from '../keys/ports.ts';
import type { BudgetDesk } from '../limits/budget-desk.ts';
import type { QuotaDesk } from '../limits/ports.ts';
import type { PlanLedger } from '../plans/ports.ts';
import type { AdapterMemory } from '../platform/adapter.ts';
import type { Books } from '../usage/audit-ports.ts';
import type { UsageReader } from '../usage/ports.ts';
import { createAccessRequests } from './access-requests.ts';
import { createAdapterMemory } from './adapter-memory.ts';
import { createAuditLog } from './audit-log.ts';
import { createBlocks } from './blocks.ts';
import { createBooks } from './books.ts';
import { createBudgetDesk } from './budget-desk.ts';
import { createCatalogueStore } from './catalogue-store.ts';
import type { StoreLog } from './connection.ts';
import { createCorrections } from './corrections.ts';
import { createControl, type Control } from './control.ts';
import type { Database } from './database.ts';
import { createErrorLog } from './error-log.ts';
import { createExperienceStore } from './experience-store.ts';
import { createFreePoolStore } from './free-pool-store.ts';
import { createGuildSettings } from './guild-settings.ts';
import { forgetSealed, keepHouse } from './housekeeping.ts';
import { createKeyVault } from './key-vault.ts';
import { createPlanLedger } from './plan-ledger.ts';
import { createPreferences } from './preferences.ts';
import { createProviderKeys } from './provider-keys.ts';
import { createQuotaDesk } from './quota-desk.ts';
import { createQuotaCounters, type QuotaCounters } from './quota-counters.ts';
import { createReports } from './reports.ts';
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
  /** Plans decide what people and guilds may have. */
  readonly plansEnabled?: boolean;
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
  readonly budgets: BudgetDesk;
  readonly keys: KeyStore;
  readonly vault: KeyVault;
  readonly plans: PlanLedger;
  readonly errors: ErrorLog;
  readonly control: Control;
  readonly accessRequests: AccessRequests;
  readonly blocks: Blocks;
  readonly reports: Reports;
  readonly audit: AuditLog;
  readonly freePools: FreePoolStore;
  readonly counters: QuotaCounters;
  readonly corrections: Corrections;
  readonly books: Books;
  readonly quotas: QuotaDesk;
  readonly memory: AdapterMemory;
  /** To be called daily. Rejects with `StoreUnavailable`. */
  housekeeping(): Promise<void>;
  /** To be called every minute. Rejects with `StoreUnavailable`. */
  forgetSealed(): Promise<void>;
}

export function createStore(database: Database, options: StoreOptions): Store {
  const { sql } = database;
  const { now, plansEnabled = false } = options;
  const plans = { plansEnabled, ...(now !== undefined && { now }) };
  return {
    turns: createTurnStore(sql, now, plansEnabled),
    usage: createUsageReader(sql, options.defaults, plans),
    stories: createStoryReader(sql),
    catalogue: createCatalogueStore(database),
    experience: createExperienceStore(sql),
    settings: createSettingsStore(database),
    guildSettings: createGuildSettings(sql, now),
    preferences: createPreferences(sql),
    budgets: createBudgetDesk(sql, options.defaults, now),
    keys: createProviderKeys(sql, now),
    vault: createKeyVault(sql),
    plans: createPlanLedger(sql, plans),
    errors: createErrorLog(database, options.log),
    control: createControl(database),
    accessRequests: createAccessRequests(database),
    blocks: createBlocks(sql),
    reports: createReports(sql, now),
    audit: createAuditLog(sql),
    freePools: createFreePoolStore(sql, now),
    counters: createQuotaCounters(sql, now),
    corrections: createCorrections(sql, now),
    books: createBooks(sql, now),
    quotas: createQuotaDesk(sql, options.defaults, plans),
    memory: createAdapterMemory(sql, { instance: options.instance, isAlone: database.kind === 'embedded' }),
    housekeeping: () => keepHouse(sql, options.log, now),
    forgetSealed: () => forgetSealed(sql, now),
  };
}
