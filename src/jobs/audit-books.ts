import type { CompletionLog } from '../completion/ports.ts';
import type { AdapterMemory } from '../platform/adapter.ts';
import type { Books } from '../usage/audit-ports.ts';
import { every, type Repeated } from './every.ts';

export interface AuditParts {
  readonly books: Books;
  readonly memory: Pick<AdapterMemory, 'lead' | 'bookmark' | 'setBookmark'>;
  /** What the operator's key was billed since the UTC day began, in nano-USD; null where nobody tells. */
  readonly billedToday: () => Promise<bigint | null>;
  readonly now: () => number;
  readonly log: CompletionLog;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** In the UTC day, late: what the service bills is told for the present day alone. */
const DUE_AT_MS = DAY_MS - 30 * MINUTE_MS;
/** Nights that were missed are made up for, as far back as this. */
const MOST_DAYS = 31;
/** Below both nobody has to look. */
const CENT_NANO_USD = 10_000_000n;
const PERCENT = 100n;
const MARK = 'books:audited';

/** Audits the books each night, and after a night that was missed as soon as there is a process again. */
export function startAudits(parts: AuditParts, onFailure: (error: unknown) => void): Repeated {
  const stopping = new AbortController();
  const job = every(10 * MINUTE_MS, () => auditBooks(parts, stopping.signal), onFailure);
  return {
    async stop() {
      stopping.abort();
      await job.stop();
    },
  };
}

/** One audit, where one is due and no other process makes it. Rejects with `StoreUnavailable`; it is due still, then. */
export async function auditBooks(parts: AuditParts, signal: AbortSignal): Promise<void> {
  const { memory, now } = parts;
  const today = Math.floor((now() - DUE_AT_MS) / DAY_MS);
  const mark = await memory.bookmark(MARK);
  // There is nothing in new books, and an older release made none.
  if (mark === null) return await memory.setBookmark(MARK, String(today));
  if (Number(mark) >= today || !(await memory.lead('books', 10 * MINUTE_MS))) return;
  await compareSums(Math.max(Number(mark), today - MOST_DAYS) * DAY_MS, parts, signal);
  await compareCounters(parts, signal);
  if (signal.aborted) return;
  await compareBill(parts);
  await memory.setBookmark(MARK, String(today));
}

/** First, because the instance's counter is made of these sums. */
async function compareSums(
  fromMs: number,
  { books, now, log }: AuditParts,
  signal: AbortSignal,
): Promise<void> {
  let wrong = 0;
  for (let hourMs = fromMs; hourMs < now() && !signal.aborted; hourMs += HOUR_MS) {
    wrong += await books.auditHour(hourMs);
  }
  for (let dayMs = fromMs; dayMs < now() && !signal.aborted; dayMs += DAY_MS) {
    wrong += await books.auditDay(dayMs);
  }
  if (wrong > 0) log.error({ alert: { kind: 'books', wrongSums: wrong } }, 'an operator should look at this');
}

async function compareCounters({ books, log }: AuditParts, signal: AbortSignal): Promise<void> {
  let wrong = 0;
  let page: Awaited<ReturnType<Books['auditCounters']>> = await books.auditCounters(null);
  for (;;) {
    wrong += page.wrong;
    if (page.next === null || signal.aborted) break;
    page = await books.auditCounters(page.next);
  }
  if (wrong > 0)
    log.error({ alert: { kind: 'books', wrongCounters: wrong } }, 'an operator should look at this');
}

/** What is under way may be billed already. */
async function compareBill({ books, billedToday, log }: AuditParts): Promise<void> {
  const billedNanoUsd = await billedToday();
  if (billedNanoUsd === null) return;
  const day = await books.operatorsDay();
  const { bookedNanoUsd, heldNanoUsd } = day;
  const drift =
    billedNanoUsd < bookedNanoUsd
      ? bookedNanoUsd - billedNanoUsd
      : billedNanoUsd - bookedNanoUsd - heldNanoUsd;
  const larger = billedNanoUsd < bookedNanoUsd ? bookedNanoUsd : billedNanoUsd;
  if (drift <= CENT_NANO_USD || drift * PERCENT <= larger) return;
  await books.noteDrift({ ...day, billedNanoUsd });
  const detail = `billed today: ${billedNanoUsd} nano-USD, booked: ${bookedNanoUsd}`;
  log.error({ alert: { kind: 'books_drift', detail } }, 'an operator should look at this');
}
