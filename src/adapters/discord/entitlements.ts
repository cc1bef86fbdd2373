import { Routes, type APIEntitlement, type Entitlement as ToldEntitlement, type REST } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import { backoffMs, type RetryPace } from '../../intake/back-off.ts';
import { StoreUnavailable, type Handlers } from '../../platform/adapter.ts';
import { guildId, userId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Entitlement } from '../../platform/payment.ts';
import { createRecent } from '../../platform/recent.ts';
import { describe, isTransient, toFailure } from './failure.ts';
import type { Intake } from './intake.ts';

/** What Discord's shop has sold, kept as the core has it. No method throws. */
export interface Entitlements {
  /** The gateway tells of one. */
  told(entitlement: ToldEntitlement, isDeleted: boolean): void;
  /** They came along with what a person did. */
  met(entitlements: ReadonlyMap<string, ToldEntitlement>): void;
  /** Something may have happened that nobody told: all are read and compared. */
  compare(): void;
  /** Resolves when nothing is compared any more, once it is stopping. Never rejects. */
  settle(): Promise<void>;
}

export interface EntitlementOptions {
  readonly rest: REST;
  readonly applicationId: string;
  readonly handlers: Handlers;
  readonly intake: Pick<Intake, 'take'>;
  readonly pace: RetryPace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

export function createEntitlements(options: EntitlementOptions): Entitlements {
  const { handlers, intake, clock, logger, stopping } = options;
  if (!handlers.sells) return NOTHING_SOLD;
  /** What was handed over of each, so that not every use of a command asks the store. */
  const handed = createRecent<string, number | null>();
  let isDue = false;
  let comparing: Promise<void> | null = null;

  const compare = (): void => {
    isDue = true;
    comparing ??= compareWhileDue().finally(() => (comparing = null));
  };
  const compareWhileDue = async (): Promise<void> => {
    while (isDue && !stopping.aborted) {
      isDue = false;
      await compareInsistently(options);
    }
  };
  const hand = (entitlement: Entitlement): void =>
    intake.take({
      id: `entitlement:${entitlement.id}`,
      lane: `entitlement:${entitlement.id}`,
      async hand() {
        await handlers.onEntitlement(entitlement);
        handed.set(entitlement.id, entitlement.endsAtMs);
      },
      giveUp: compare,
    });
  const daily = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(DAY_MS, stopping);
      if (stopping.aborted) return;
      compare();
    }
  };
  const days = daily();

  return {
    told(entitlement, isDeleted) {
      hand(read(entitlement, isDeleted));
      logger.info({ entitlement: entitlement.id, sku: entitlement.skuId }, 'Discord: entitlement changed');
    },
    met(entitlements) {
      for (const entitlement of entitlements.values()) {
        const { id, endsAtMs } = read(entitlement, entitlement.deleted);
        if (handed.get(id) === endsAtMs) continue;
        handed.set(id, endsAtMs);
        hand(read(entitlement, entitlement.deleted));
      }
    },
    compare,
    async settle() {
      await days;
      await comparing;
    },
  };
}

const NOTHING_SOLD: Entitlements = {
  told: () => undefined,
  met: () => undefined,
  compare: () => undefined,
  settle: () => Promise.resolve(),
};

/** Reads all and hands them over, until that is done, stopping, or Discord refuses for good. */
async function compareInsistently(options: EntitlementOptions): Promise<void> {
  const { handlers, clock, logger, pace, stopping } = options;
  for (let failures = 1; !stopping.aborted; failures += 1) {
    try {
      const askedAtMs = Date.now();
      const entitlements = await readAll(options);
      return await handlers.onEntitlements('discord', { entitlements, askedAtMs });
    } catch (error) {
      const isStoreAway = error instanceof StoreUnavailable;
      const failure = toFailure(error);
      const reason = isStoreAway ? 'store unavailable' : describe(failure);
      if (!isStoreAway && !isTransient(failure)) {
        logger.error({ reason }, 'Discord: entitlements not compared');
        return;
      }
      logger[failures === 1 ? 'warn' : 'debug']({ reason }, 'Discord: entitlements not compared yet');
      await clock.sleep(backoffMs(failures, pace, Math.random), stopping);
    }
  }
}

/** All that have not ended, page by page. Rejects as the REST client does. */
async function readAll({ rest, applicationId }: EntitlementOptions): Promise<Entitlement[]> {
  const all: APIEntitlement[] = [];
  for (let after = '0'; ;) {
    const query = new URLSearchParams({ after, limit: String(PAGE), exclude_ended: 'true' });
    const page = (await rest.get(Routes.entitlements(applicationId), { query })) as APIEntitlement[];
    all.push(...page);
    if (page.length < PAGE) return all.map(readListed);
    after = page.map(({ id }) => id).reduce((one, other) => (BigInt(one) > BigInt(other) ? one : other));
  }
}

function read(entitlement: ToldEntitlement, isDeleted: boolean): Entitlement {
  const { id, skuId: sku, startsTimestamp, endsTimestamp } = entitlement;
  const subject = subjectOf(entitlement.guildId, entitlement.userId);
  return { id, sku, subject, startsAtMs: startsTimestamp, endsAtMs: endsTimestamp, isDeleted };
}

function readListed(entitlement: APIEntitlement): Entitlement {
  const { id, sku_id: sku, deleted: isDeleted, starts_at: startsAt, ends_at: endsAt } = entitlement;
  const subject = subjectOf(entitlement.guild_id ?? null, entitlement.user_id ?? '');
  return { id, sku, subject, startsAtMs: timeOf(startsAt), endsAtMs: timeOf(endsAt), isDeleted };
}

/** What is sold to a guild names its buyer too (resources/entitlement). */
function subjectOf(guild: string | null, user: string): Entitlement['subject'] {
  return guild === null
    ? { kind: 'user', id: userId('discord', user) }
    : { kind: 'guild', id: guildId('discord', guild) };
}

function timeOf(date: string | null): number | null {
  return date === null ? null : Date.parse(date);
}

/** resources/entitlement "List Entitlements": 1-100. */
const PAGE = 100;
const DAY_MS = 86_400_000;
