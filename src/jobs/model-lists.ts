import type { Catalogue } from '../completion/catalogue.ts';
import { every, type Repeated } from './every.ts';

/** Without a model list a paid model has no price and is not asked, so a list that failed is fetched again soon. */
const RETRY_MS = 60_000;

/** Fetches lists at once, again when they are older than `maxAgeMs`, and each minute while that fails. */
export function keepListsFresh(
  lists: readonly Catalogue[],
  maxAgeMs: number,
  now: () => number,
  onFailure: (error: unknown) => void,
): Repeated {
  const fetched = new Set<Catalogue>();
  const refresh = async (list: Catalogue): Promise<void> => {
    if (fetched.has(list) && now() - list.snapshot().fetchedAtMs < maxAgeMs) return;
    fetched.delete(list);
    if ((await list.refresh()).kind === 'refreshed') fetched.add(list);
  };
  return every(RETRY_MS, async () => void (await Promise.all(lists.map(refresh))), onFailure);
}
