import type { CatalogueModel } from './catalogue-model.ts';
import type { Catalogue } from './catalogue.ts';
import { isPlainId } from './free-only.ts';
import { isPriced } from './price.ts';
import type { AllowedModels, ModelFilter, ModelLookup, ModelShelf, Payer } from './ports.ts';

export interface ShelfParts {
  /** Of OpenRouter, whose models people choose from; null where nobody can ask them. */
  readonly catalogue: Pick<Catalogue, 'snapshot' | 'find' | 'freeModels'> | null;
  /** The operator has a key for them. */
  readonly isOperators: boolean;
  /** Nothing that costs is offered at the operator's cost. */
  readonly freeOnly: boolean;
}

export function createModelShelf({ catalogue: given, isOperators, freeOnly }: ShelfParts): ModelShelf {
  const catalogue = given ?? NO_MODELS;
  const mayCost = ({ id }: CatalogueModel, allowed: AllowedModels, payer: Payer): boolean =>
    payer === 'operator' ? !freeOnly : payer === 'user' || isNamed(id, allowed);
  const offersChoice = (payer: Payer): boolean => given !== null && (isOperators || payer !== 'operator');
  /** What whoever pays lets be asked: with a known price, or none. */
  const isOffered = (model: CatalogueModel, allowed: AllowedModels, payer: Payer): boolean =>
    offersChoice(payer) &&
    isPlainId(model.id) &&
    (model.isFree || (mayCost(model, allowed, payer) && isPriced(model.prices)));
  /** Free ones first, by their rank; the others by what an answer costs. */
  const inOrder = (allowed: AllowedModels, payer: Payer): readonly CatalogueModel[] => {
    const ranks = new Map(catalogue.freeModels().map(({ id }, index) => [id, index]));
    const rankOf = ({ id, isFree }: CatalogueModel): number => ranks.get(id) ?? ranks.size + Number(!isFree);
    const priceOf = ({ prices }: CatalogueModel): number => (prices.completion ?? 0) + (prices.prompt ?? 0);
    return catalogue
      .snapshot()
      .models.filter((model) => isOffered(model, allowed, payer))
      .toSorted((a, b) => rankOf(a) - rankOf(b) || priceOf(a) - priceOf(b) || (a.id < b.id ? -1 : 1));
  };

  const list = (
    filter: ModelFilter | null,
    allowed: AllowedModels,
    payer: Payer = 'operator',
  ): readonly CatalogueModel[] =>
    inOrder(allowed, payer).filter(
      (model) => isAllowed(model, allowed) && (filter === null || FILTERS[filter](model)),
    );

  const search = (words: string, allowed: AllowedModels, payer?: Payer): readonly CatalogueModel[] => {
    const wanted = words
      .toLowerCase()
      .split(/\s+/u)
      .filter((word) => word !== '');
    return list(null, allowed, payer).filter(({ id, name }) => {
      const text = `${id} ${name}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
  };

  return {
    list,
    search,
    look(written, allowed, payer = 'operator'): ModelLookup {
      const id = written.trim().toLowerCase();
      const model = catalogue.find(written.trim()) ?? catalogue.find(id);
      if (model !== undefined && offersChoice(payer)) {
        if (!isOffered(model, allowed, payer)) {
          return { kind: 'not_offered', model, freeOnly: !mayCost(model, allowed, payer) };
        }
        return isAllowed(model, allowed) ? { kind: 'found', model } : { kind: 'not_allowed', model };
      }
      const words = wordsOf(id);
      const near = words.length === 0 ? [] : search(words.join(' '), allowed, payer);
      const meant = near.filter((one) => words.every((word) => wordsOf(one.id).includes(word)));
      const [only] = meant;
      return meant.length === 1 && only !== undefined
        ? { kind: 'found', model: only }
        : { kind: 'unknown', near: near.slice(0, MOST_NEAR).map((one) => one.id) };
    },
    hasList: () => catalogue.snapshot().fetchedAtMs > 0,
    offersChoice,
  };
}

const NO_MODELS: NonNullable<ShelfParts['catalogue']> = {
  snapshot: () => ({ fetchedAtMs: 0, models: [] }),
  find: () => undefined,
  freeModels: () => [],
};

/**
 * Whether a guild's list, which is in small letters, holds a model: by its id, by its author (`author/*`) or because it is
 * free (`free`).
 */
export function isAllowed(
  { id, isFree }: Pick<CatalogueModel, 'id' | 'isFree'>,
  allowed: AllowedModels,
): boolean {
  return (
    allowed === null ||
    allowed.some(
      (entry) =>
        entry === id.toLowerCase() ||
        (entry === 'free' && isFree) ||
        (entry.endsWith('/*') && id.toLowerCase().startsWith(entry.slice(0, -1))),
    )
  );
}

/** Whether a guild's list holds a model as such, by its id or its author, and not only because it is free. */
export function isNamed(id: string, allowed: AllowedModels): boolean {
  return allowed !== null && isAllowed({ id, isFree: false }, allowed);
}

const wordsOf = (text: string): string[] => text.split(/[^a-z\d]+/u).filter((word) => word !== '');

const takes =
  (modality: string) =>
  ({ inputModalities }: CatalogueModel): boolean =>
    inputModalities.includes(modality);

const FILTERS: Readonly<Record<ModelFilter, (model: CatalogueModel) => boolean>> = {
  free: ({ isFree }) => isFree,
  vision: takes('image'),
  files: takes('file'),
  audio: takes('audio'),
  tools: ({ supportedParameters }) => supportedParameters.includes('tools'),
};

const MOST_NEAR = 5;
