import { readCapped } from './capped-body.ts';
import { readModelList, type CatalogueModel, type CatalogueSnapshot } from './catalogue-model.ts';
import { rankFreeModels } from './free-ranking.ts';
import { parseJson } from './json.ts';
import type { CatalogueStore, CompletionLog } from './ports.ts';

/** The models that can be asked, as known at the moment. */
export interface Catalogue {
  /** Empty, with `fetchedAtMs` 0, until there was a list. */
  snapshot(): CatalogueSnapshot;
  find(id: string): CatalogueModel | undefined;
  /** Free models to chat with, best first, the free router last. */
  freeModels(): readonly CatalogueModel[];
  /** Takes over what the store has, unless a list was fetched meanwhile. Never rejects. */
  load(): Promise<void>;
  /** Fetches the list; keeps the old one when that fails. Calls at the same time share one fetch. Never rejects. */
  refresh(): Promise<RefreshOutcome>;
  /** Refreshes in the background unless that was tried within the last five minutes. */
  refreshSoon(): void;
}

export type RefreshOutcome =
  | { readonly kind: 'refreshed'; readonly models: number; readonly freeModels: number }
  | { readonly kind: 'kept'; readonly reason: string };

export interface CatalogueOptions {
  readonly baseUrl: string;
  readonly apiKey: string | null;
  /** Null: nothing is kept across restarts. */
  readonly store: CatalogueStore | null;
  /** Reads the answer to `GET /models`. Default: as OpenRouter writes it. */
  readonly read?: (body: unknown) => CatalogueModel[] | null;
  readonly now: () => number;
  readonly log: CompletionLog;
  /** Whole fetch. Default 20 s. */
  readonly timeoutMs?: number;
  /** Longer lists are refused. Default 20 MB. */
  readonly maxBytes?: number;
}

export function createCatalogue(options: CatalogueOptions): Catalogue {
  const { store, now, log } = options;
  let snapshot: CatalogueSnapshot = { fetchedAtMs: 0, models: [] };
  let byId = new Map<string, CatalogueModel>();
  let ranked: readonly CatalogueModel[] = [];
  let running: Promise<RefreshOutcome> | null = null;
  let triedAtMs = -Infinity;

  const adopt = (next: CatalogueSnapshot) => {
    snapshot = next;
    byId = new Map(next.models.map((model) => [model.id, model]));
    ranked = rankFreeModels(next, now());
  };

  const refresh = async (): Promise<RefreshOutcome> => {
    triedAtMs = now();
    const fetched = await fetchModels(options);
    if (fetched.kind === 'failed') {
      log.warn({ reason: fetched.reason }, 'the model list could not be refreshed');
      return { kind: 'kept', reason: fetched.reason };
    }
    adopt({ fetchedAtMs: now(), models: fetched.models });
    if (store !== null) await save(store, snapshot, log);
    return { kind: 'refreshed', models: snapshot.models.length, freeModels: ranked.length };
  };

  const catalogue: Catalogue = {
    snapshot: () => snapshot,
    find: (id) => byId.get(id),
    freeModels: () => ranked,
    async load() {
      const stored = store === null ? null : await loadStored(store, log);
      if (stored !== null && stored.fetchedAtMs > snapshot.fetchedAtMs) adopt(stored);
    },
    refresh() {
      running ??= refresh().finally(() => {
        running = null;
      });
      return running;
    },
    refreshSoon() {
      if (now() - triedAtMs >= 300_000) void catalogue.refresh();
    },
  };
  return catalogue;
}

type Fetched =
  | { readonly kind: 'fetched'; readonly models: readonly CatalogueModel[] }
  | { readonly kind: 'failed'; readonly reason: string };

async function fetchModels({
  baseUrl,
  apiKey,
  timeoutMs,
  maxBytes,
  read = readModelList,
}: CatalogueOptions): Promise<Fetched> {
  try {
    const response = await fetch(`${baseUrl.replace(/\/+$/, '')}/models`, {
      headers: { accept: 'application/json', ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }) },
      signal: AbortSignal.timeout(timeoutMs ?? 20_000),
    });
    const { text, complete } = await readCapped(response.body, maxBytes ?? 20_000_000);
    if (!response.ok) return { kind: 'failed', reason: `HTTP ${response.status}` };
    if (!complete) return { kind: 'failed', reason: 'the list is too long' };
    const models = read(parseJson(text));
    if (models === null) return { kind: 'failed', reason: 'the answer is no model list' };
    // An empty list would take every model away; it is a fault, not news.
    return models.length === 0
      ? { kind: 'failed', reason: 'the list is empty' }
      : { kind: 'fetched', models };
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' };
  }
}

async function save(store: CatalogueStore, snapshot: CatalogueSnapshot, log: CompletionLog): Promise<void> {
  try {
    await store.save(snapshot);
  } catch (error) {
    log.warn({ err: error }, 'the model list could not be saved; it stays in memory');
  }
}

async function loadStored(store: CatalogueStore, log: CompletionLog): Promise<CatalogueSnapshot | null> {
  try {
    return await store.load();
  } catch (error) {
    log.warn({ err: error }, 'the saved model list could not be read');
    return null;
  }
}
