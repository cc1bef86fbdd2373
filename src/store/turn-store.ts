import {
  ClaimLost,
  type AdmitVerdict,
  type CancelVerdict,
  type ClaimedWork,
  type CostHold,
  type LeaseNews,
  type SettleResult,
  type TurnClaim,
  type TurnStore,
} from '../conversation/ports.ts';
import type { TurnId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import { callFunction, type DocumentFunction } from './document.ts';
import { reach } from './failure.ts';

/**
 * Turns, each call one function of the database (see the migrations for what they do and in which
 * order they lock). `now` replaces the database's clock, for tests. `holdCost` rejects with an error
 * when the turn no longer runs under the claim: its attempt must not be made. `renewLeases` gives up
 * after half of `leaseMs`: whoever hears nothing for longer must not believe that the leases hold.
 */
export function createTurnStore(sql: Sql, now?: () => number): TurnStore {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  const call = (name: DocumentFunction, document: object, deadlineMs?: number) =>
    callFunction(sql, name, { ...document, ...clock() }, deadlineMs);

  return {
    admit: async (request) => (await call('admit_v2', request)) as AdmitVerdict,
    settle: async (request) => (await call('settle_v1', request)) as SettleResult,
    async holdCost(claim, attempt, nanoUsd) {
      const hold = (await call('hold_cost_v1', { ...fence(claim), attempt, nanoUsd })) as
        | CostHold
        | { readonly kind: 'not_running' };
      if (hold.kind === 'not_running') throw new Error(`Turn ${claim.id} no longer runs under this claim.`);
      return hold;
    },
    renewLeases: async (instance, claims, leaseMs) =>
      (await call('renew_leases_v1', { instance, claims, leaseMs }, leaseMs / 2)) as LeaseNews,
    claimWork: async (request) => (await call('claim_work_v1', request)) as ClaimedWork,
    async attemptStarted(claim, attempt) {
      await call('attempt_started_v1', { ...fence(claim), ...attempt });
    },
    async intendPart(claim, index) {
      const isGood = await call('intend_part_v1', { ...fence(claim), index });
      if (isGood !== true) throw new ClaimLost(`The claim on turn ${claim.id} is over.`);
    },
    async partSent(claim, index, platformMessageId) {
      await call('part_sent_v1', { ...fence(claim), index, platformMessageId });
    },
    async markDelivered(claim, unreachable) {
      await call('mark_delivered_v1', { ...fence(claim), unreachable });
    },
    async postpone(claim, retryAfterMs) {
      await call('postpone_v1', { ...fence(claim), retryAfterMs });
    },
    requestCancel: async (turnId, by) => (await call('request_cancel_v1', { turnId, by })) as CancelVerdict,
    activeTurns: (place) => selectActiveTurns(sql, place),
    async startConversation({ originKey, place }) {
      await call('start_conversation_v1', { originKey, place });
    },
  };
}

/** By which the database's functions know a claim that is over. */
const fence = ({ id, epoch }: TurnClaim) => ({ turnId: id, epoch });

async function selectActiveTurns(sql: Sql, place: string): Promise<readonly TurnId[]> {
  const rows = await reach(
    () => sql<{ id: TurnId }[]>`
      select id from turns where place = ${place} and state in ('queued', 'running') order by seq`,
  );
  return rows.map((row) => row.id);
}
