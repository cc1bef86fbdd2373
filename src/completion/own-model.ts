import type { CatalogueModel } from './catalogue-model.ts';
import type { Catalogue } from './catalogue.ts';
import { isPriced, type ModelPrices } from './price.ts';
import type { ProviderName } from './provider.ts';

/** A model as it is to be asked for now. */
export interface OwnCandidate {
  readonly id: string;
  readonly isFree: boolean;
  readonly listed: CatalogueModel | null;
}

/** A provider that is asked for the one model which the operator's settings name. */
export interface OwnModel {
  readonly provider: Exclude<ProviderName, 'openrouter'>;
  /** As the settings name it. */
  readonly model: string;
  /** Null while nobody can tell what it costs. */
  candidate(): OwnCandidate | null;
  /** Whether the list that tells was ever fetched. */
  hasList(): boolean;
}

export interface OwnModelSettings {
  readonly model: string;
  /** The operator's key costs nothing. */
  readonly isFree: boolean;
}

/** Google lists no prices; OpenRouter lists Google's own for its Gemini models, and those of others for the open ones. */
export function geminiModel(
  { model, isFree }: OwnModelSettings,
  catalogue: Pick<Catalogue, 'find' | 'snapshot'>,
): OwnModel {
  return {
    provider: 'gemini',
    model,
    candidate() {
      const listed = catalogue.find(`google/${model}`) ?? null;
      return isFree || model.startsWith('gemini-') ? askable({ id: model, isFree, listed }) : null;
    },
    hasList: () => catalogue.snapshot().fetchedAtMs > 0,
  };
}

/**
 * Hugging Face passes a request to one of the providers that serve a model, each at its own price. For money the cheapest
 * one is named, so that the price is known beforehand; a provider that the setting names (`author/model:provider`) stays.
 */
export function huggingFaceModel(
  { model, isFree }: OwnModelSettings,
  list: Pick<Catalogue, 'find' | 'snapshot'>,
): OwnModel {
  const [bare = model, choice] = model.split(':');
  const rows = () => list.snapshot().models.filter(({ id }) => id.startsWith(`${bare}:`));
  return {
    provider: 'huggingface',
    model,
    candidate() {
      const named = list.find(model) ?? null;
      if (isFree) return { id: model, isFree, listed: named ?? rows()[0] ?? null };
      const listed = choice === undefined || policies.has(choice) ? cheapest(rows()) : named;
      return listed === null ? null : askable({ id: listed.id, isFree, listed });
    },
    hasList: () => list.snapshot().fetchedAtMs > 0,
  };
}

/** Ways to choose a provider, in the place of a provider's name. */
const policies = new Set(['fastest', 'cheapest', 'preferred']);

function cheapest(rows: readonly CatalogueModel[]): CatalogueModel | null {
  const costOf = ({ prices }: CatalogueModel): number => (prices.prompt ?? 0) + (prices.completion ?? 0);
  return (
    rows.filter(({ prices }) => costsKnownMoney(prices)).toSorted((a, b) => costOf(a) - costOf(b))[0] ?? null
  );
}

function askable(candidate: OwnCandidate): OwnCandidate | null {
  const { isFree, listed } = candidate;
  return isFree || (listed !== null && costsKnownMoney(listed.prices)) ? candidate : null;
}

/** On a key that costs, a price of nothing is none: nothing would be held for what it takes. */
function costsKnownMoney(prices: ModelPrices): boolean {
  const { highestPrompt, highestCompletion, request } = prices;
  return isPriced(prices) && [highestPrompt, highestCompletion, request].some((price) => price !== 0);
}
