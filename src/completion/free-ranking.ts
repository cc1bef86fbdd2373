import { freeRouter, type CatalogueModel, type CatalogueSnapshot } from './catalogue-model.ts';

/**
 * The free models to chat with, best first, by what the list tells about them:
 *
 * 1. general models before those made for something else (code, safety, pictures, …);
 * 2. middle and large ones (20 billion parameters and more, or unknown) before small, and those before tiny (under 7);
 * 3. those that answer at once before those that always reason first;
 * 4. long contexts before short, then new before old.
 *
 * Left out: contexts under 8192 tokens, and models that leave the list within 7 days. The free router comes last,
 * because it gives a different model each time.
 */
export function rankFreeModels(snapshot: CatalogueSnapshot, nowMs: number): CatalogueModel[] {
  const soon = new Date(nowMs + 7 * 86_400_000).toISOString().slice(0, 10);
  const usable = snapshot.models.filter(
    ({ isFree, contextLength, expiresOn }) =>
      isFree && (contextLength === null || contextLength >= 8192) && (expiresOn === null || expiresOn > soon),
  );
  const ranked = usable.map((model) => ({ model, rank: rankOf(model) }));
  return ranked
    .toSorted((a, b) => compare(a.rank, b.rank) || compareIds(a.model, b.model))
    .map(({ model }) => model);
}

/** Smaller is better, the first difference decides. */
function rankOf(model: CatalogueModel): readonly number[] {
  return [
    model.id === freeRouter ? 1 : 0,
    isSpecialised(model) ? 1 : 0,
    sizeClass(model),
    model.reasoning === 'always' ? 1 : 0,
    -(model.contextLength ?? 0),
    -(model.createdAtMs ?? 0),
  ];
}

/** Made for something else than talk. */
export function isSpecialised({ id, outputModalities }: CatalogueModel): boolean {
  const words = id.toLowerCase().split(/[^a-z]+/);
  return outputModalities.length > 1 || words.some((word) => specialities.has(word));
}

const specialities = new Set(
  'code coder codex decisions guard safety safeguard shield math prover medical translate translation ocr vl vision image audio omni search uncensored roleplay'.split(
    ' ',
  ),
);

/** 0: 20 billion parameters and more, or unknown. 1: from 7. 2: fewer. A name such as `26b-a4b` counts by its total. */
function sizeClass({ id }: CatalogueModel): 0 | 1 | 2 {
  const sizes = [...id.toLowerCase().matchAll(/(?<![a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z0-9])/g)].map((match) =>
    Number(match[1]),
  );
  if (sizes.length === 0) return /(?:^|[-/])(?:nano|tiny|micro)(?:-|$|:)/.test(id) ? 2 : 0;
  const billions = Math.max(...sizes);
  if (billions >= 20) return 0;
  return billions >= 7 ? 1 : 2;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((value, position) => value !== b[position]);
  return (a[differing] ?? 0) - (b[differing] ?? 0);
}

function compareIds(a: CatalogueModel, b: CatalogueModel): number {
  return a.id < b.id ? -1 : 1;
}
