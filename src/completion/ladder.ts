import type { CatalogueModel } from './catalogue-model.ts';
import { isSpecialised } from './free-ranking.ts';
import type { Tier } from './optimiser.ts';
import { isPriced } from './price.ts';

interface Rung {
  readonly isFree: boolean;
  readonly listed: Pick<CatalogueModel, 'prices'> | null;
}

/** What a usual call costs at most, with a prompt three times as long as the answer: to compare, in the unit of prices. */
export function usualPrice({ isFree, listed }: Rung): number {
  if (isFree) return 0;
  const { highestPrompt = null, highestCompletion = null } = listed?.prices ?? {};
  return highestPrompt === null || highestCompletion === null
    ? Infinity
    : 3 * highestPrompt + highestCompletion;
}

/** What costs at most so much of the dearest model is cheaper; closer ones are hardly worth another voice. */
const CHEAPER = 0.5;

/**
 * Puts the models of a turn into the order of a tier. Free ones that come first in the settings keep their place, and so does
 * a free one at the end, the last resort. `balanced`: of the cheaper paid models the best, by price, before the others.
 * `cheap`: the cheapest first, and dear ones only behind free ones. `free`: all paid ones last.
 */
export function inTier<Model extends Rung>(models: readonly Model[], tier: Tier): readonly Model[] {
  const free = models.filter(({ isFree }) => isFree);
  const paid = models
    .filter(({ isFree }) => !isFree)
    .toSorted((one, other) => usualPrice(one) - usualPrice(other));
  if (tier === 'free') return [...free, ...paid];
  const dearest = paid.at(-1);
  if (tier === 'strong' || dearest === undefined) return models;
  const cheaper = paid.filter((model) => usualPrice(model) <= CHEAPER * usualPrice(dearest));
  if (cheaper.length === 0) return models;
  const first = models.findIndex(({ isFree }) => !isFree);
  const rest = models.slice(first).filter((model) => !cheaper.includes(model));
  if (tier === 'balanced') return [...models.slice(0, first), ...cheaper.toReversed(), ...rest];
  const dear = rest.filter(({ isFree }) => !isFree);
  const others = rest.filter(({ isFree }) => isFree);
  return [...models.slice(0, first), ...cheaper, ...others.slice(0, -1), ...dear, ...others.slice(-1)];
}

/** The two newest stand for a maker: the older ones are mostly there for those who built on them. */
const MOST_KIN = 2;
const LEAST_CONTEXT = 8192;

/**
 * What the maker of a paid model offers for at most half of its price, for general talk and to stay: at most two, the newest.
 * Whoever trusts the one has most reason to trust these.
 */
export function cheaperKin(of: CatalogueModel, models: readonly CatalogueModel[]): readonly CatalogueModel[] {
  const most = CHEAPER * usualPrice({ isFree: of.isFree, listed: of });
  const maker = makerOf(of.id);
  return models
    .filter(
      (model) =>
        makerOf(model.id) === maker &&
        !model.isFree &&
        isPriced(model.prices) &&
        usualPrice({ isFree: false, listed: model }) <= most &&
        (model.contextLength ?? 0) >= LEAST_CONTEXT &&
        model.expiresOn === null &&
        !isSpecialised(model),
    )
    .toSorted((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0) || (a.id < b.id ? -1 : 1))
    .slice(0, MOST_KIN);
}

const makerOf = (id: string): string => id.slice(0, id.indexOf('/') + 1);
