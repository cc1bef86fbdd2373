import {
  ClaimLost,
  type AdmitVerdict,
  type CancelVerdict,
  type ClaimedWork,
  type CostHold,
  type Deleted,
  type EditVerdict,
  type LeaseNews,
  type Planned,
  type RepeatVerdict,
  type SelectVerdict,
  type SettleResult,
  type Shown,
  type TurnClaim,
  type TurnStore,
} from '../conversation/ports.ts';
import type { TurnId } from '../platform/ids.ts';
import type { PartRecord } from '../platform/reply.ts';
import type { Sql } from './connection.ts';
import { callFunction, callPlanned, type DocumentFunction } from './document.ts';
import { reach } from './failure.ts';

/**
 * Turns, each call one function of the database (see the migrations for what they do and in which
 * order they lock). `now` replaces the database's clock, for tests. `holdCost` rejects with an error
 * when the turn no longer runs under the claim: its attempt must not be made. `renewLeases` gives up
 * after half of `leaseMs`: whoever hears nothing for longer must not believe that the leases hold. Where plans are served, what is
 * admitted is admitted by them.
 */
export function createTurnStore(sql: Sql, now?: () => number, plansEnabled = false): TurnStore {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  const call = (name: DocumentFunction, document: object, deadlineMs?: number) =>
    callFunction(sql, name, { ...document, ...clock() }, deadlineMs);
  /** For calls that claim turns: each is given the moment before the call, when its lease had not begun. */
  const claim = async (name: DocumentFunction, document: object): Promise<unknown> => {
    const leasedAtMs = performance.now();
    // This release can run turns that others than the operator pay for.
    return leasedFrom(leasedAtMs, await call(name, { ...document, servesKeys: true }));
  };

  const decide = async (name: DocumentFunction, request: object): Promise<unknown> => {
    if (!plansEnabled) return await claim(name, request);
    const leasedAtMs = performance.now();
    return leasedFrom(leasedAtMs, await callPlanned(sql, name, { ...request, ...clock(), servesKeys: true }));
  };

  return {
    admit: async (request) => (await decide('admit_v4', request)) as Planned<AdmitVerdict>,
    repeat: async (request) => (await decide('repeat_turn_v1', request)) as Planned<RepeatVerdict>,
    edit: async (request) => (await decide('edit_message_v1', request)) as Planned<EditVerdict>,
    deleteMessages: async (request) => (await claim('delete_messages_v1', request)) as Deleted,
    selectVersion: async (request) => (await claim('select_version_v1', request)) as SelectVerdict,
    settle: async (request) => (await claim('settle_v3', request)) as SettleResult,
    async holdCost(of, attempt, nanoUsd) {
      const hold = (await call('hold_cost_v1', { ...fence(of), attempt, nanoUsd })) as
        | CostHold
        | { readonly kind: 'not_running' };
      if (hold.kind === 'not_running') throw new Error(`Turn ${of.id} no longer runs under this claim.`);
      return hold;
    },
    renewLeases: async (instance, claims, leaseMs) =>
      (await call('renew_leases_v2', { instance, claims, leaseMs }, leaseMs / 2)) as LeaseNews,
    async releaseLeases(instance, claims) {
      await call('release_leases_v1', { instance, claims });
    },
    claimWork: async (request) => (await claim('claim_work_v2', request)) as ClaimedWork,
    async attemptStarted(of, attempt) {
      await call('attempt_started_v2', { ...fence(of), ...attempt });
    },
    async intendPart(of, index) {
      const isGood = await call('intend_part_v2', { ...fence(of), index });
      if (isGood !== true) throw new ClaimLost(`The claim on turn ${of.id} is over.`);
    },
    partSent: async (of, index, platformMessageId) =>
      (await call('part_sent_v3', { ...fence(of), index, platformMessageId })) === true,
    async partRemoved({ id }, platformMessageId) {
      await call('part_removed_v1', { turnId: id, platformMessageId });
    },
    parts: async (turnId) => (await call('turn_parts_v1', { turnId })) as readonly PartRecord[],
    shown: async (turnId) => (await call('shown_v1', { turnId })) as Shown,
    async markDelivered(of, { unreachable, isRetracted }) {
      await call('mark_delivered_v2', { ...fence(of), unreachable, retracted: isRetracted });
    },
    async postpone(of, retryAfterMs) {
      await call('postpone_v2', { ...fence(of), retryAfterMs });
    },
    requestCancel: async (turnId, by) => (await call('request_cancel_v2', { turnId, by })) as CancelVerdict,
    waits: (turnId) => selectWaits(sql, turnId),
    activeTurns: (place) => selectActiveTurns(sql, place),
    async startConversation({ originKey, place }) {
      await call('start_conversation_v1', { originKey, place });
    },
  };
}

/** By which the database's functions know a claim that is over. */
const fence = ({ id, epoch }: TurnClaim) => ({ turnId: id, epoch });

/** Puts the moment into every turn that an outcome holds; a turn is known by its epoch. */
function leasedFrom(leasedAtMs: number, outcome: unknown): unknown {
  if (Array.isArray(outcome)) return outcome.map((item: unknown) => leasedFrom(leasedAtMs, item));
  if (typeof outcome !== 'object' || outcome === null) return outcome;
  if ('epoch' in outcome) return { ...outcome, leasedAtMs };
  const { turn, next, run, deliver, ...rest } = outcome as Record<string, unknown>;
  const claimed = Object.entries({ turn, next, run, deliver }).filter(([, value]) => value !== undefined);
  return {
    ...rest,
    ...Object.fromEntries(claimed.map(([name, value]) => [name, leasedFrom(leasedAtMs, value)])),
  };
}

async function selectWaits(sql: Sql, turnId: TurnId): Promise<boolean> {
  const rows = await reach(
    () => sql`
      select from turns where state = 'queued'
        and id = (select coalesce(t.merged_into, t.id) from turns t where t.id = ${turnId})`,
  );
  return rows.length > 0;
}

async function selectActiveTurns(sql: Sql, place: string): Promise<readonly TurnId[]> {
  const rows = await reach(
    () => sql<{ id: TurnId }[]>`
      select id from turns where place = ${place} and state in ('queued', 'running') order by seq`,
  );
  return rows.map((row) => row.id);
}
