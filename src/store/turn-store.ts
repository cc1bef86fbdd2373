import type {
  AdmitVerdict,
  CancelVerdict,
  ClaimedWork,
  CostHold,
  LeaseNews,
  SettleResult,
  TurnStore,
} from '../conversation/ports.ts';
import type { TurnId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import { callFunction, type DocumentFunction } from './document.ts';
import { reach } from './failure.ts';

/**
 * Turns, each call one function of the database (see the migrations for what they do and in which
 * order they lock). `now` replaces the database's clock, for tests. `holdCost` rejects with an error
 * when the turn no longer runs: its attempt must not be made.
 */
export function createTurnStore(sql: Sql, now?: () => number): TurnStore {
  const clock = () => (now === undefined ? {} : { nowMs: now() });
  const call = (name: DocumentFunction, document: object) =>
    callFunction(sql, name, { ...document, ...clock() });

  return {
    admit: async (request) => (await call('admit_v1', request)) as AdmitVerdict,
    settle: async (request) => (await call('settle_v1', request)) as SettleResult,
    async holdCost(turnId, attempt, nanoUsd) {
      const hold = (await call('hold_cost_v1', { turnId, attempt, nanoUsd })) as
        | CostHold
        | { readonly kind: 'not_running' };
      if (hold.kind === 'not_running') throw new Error(`Turn ${turnId} no longer runs.`);
      return hold;
    },
    renewLeases: async (instance, turns, leaseMs) =>
      (await call('renew_leases_v1', { instance, turns, leaseMs })) as LeaseNews,
    claimWork: async (request) => (await call('claim_work_v1', request)) as ClaimedWork,
    async attemptStarted(turnId, epoch, attempt) {
      await call('attempt_started_v1', { turnId, epoch, ...attempt });
    },
    async intendPart(turnId, index) {
      await call('intend_part_v1', { turnId, index });
    },
    async partSent(turnId, index, platformMessageId) {
      await call('part_sent_v1', { turnId, index, platformMessageId });
    },
    async markDelivered(turnId, epoch, unreachable) {
      await call('mark_delivered_v1', { turnId, epoch, unreachable });
    },
    requestCancel: async (turnId, by) => (await call('request_cancel_v1', { turnId, by })) as CancelVerdict,
    activeTurns: (place) => selectActiveTurns(sql, place),
    async startConversation({ originKey, place }) {
      await call('start_conversation_v1', { originKey, place });
    },
  };
}

async function selectActiveTurns(sql: Sql, place: string): Promise<readonly TurnId[]> {
  const rows = await reach(
    () => sql<{ id: TurnId }[]>`
      select id from turns where place = ${place} and state in ('queued', 'running') order by seq`,
  );
  return rows.map((row) => row.id);
}
