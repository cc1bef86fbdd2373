import { isCapable } from './capability.ts';
import { freeRouter, type CatalogueModel } from './catalogue-model.ts';
import type { Catalogue } from './catalogue.ts';
import { isFreeId, isPlainId } from './free-only.ts';
import type { CompletionRequest } from './completion.ts';
import type { Experience } from './experience.ts';
import { cheaperKin, inTier, usualPrice } from './ladder.ts';
import type { OwnModel } from './own-model.ts';
import { isAllowed } from './model-shelf.ts';
import type { Tier } from './optimiser.ts';
import type { AllowedModels, CompletionLog } from './ports.ts';
import { isPriced } from './price.ts';
import type { ProviderName } from './provider.ts';

/** A model that a turn may try. */
export interface Candidate {
  readonly provider: ProviderName;
  /** As its provider writes it. */
  readonly id: string;
  readonly isFree: boolean;
  /** Null when the list doesn't know it. */
  readonly listed: CatalogueModel | null;
}

/** Models that one call names, in the order in which the provider asks them. */
export type Together = readonly [Candidate, ...Candidate[]];

/** Which models to ask. Ids as OpenRouter writes them; null and the empty list leave the choice to the catalogue. */
export interface ModelChoice {
  readonly freeOnly: boolean;
  readonly defaultModel: string | null;
  readonly fallbackModels: readonly string[];
  /** The last resort, and only where paid models are allowed. */
  readonly emergencyModel: string | null;
  /** Whom to ask, in this order. */
  readonly providers: readonly ProviderName[];
}

export interface CandidateParts {
  readonly catalogue: Catalogue;
  /** Those of the providers besides OpenRouter. */
  readonly ownModels: readonly OwnModel[];
  readonly experience: Pick<Experience, 'order'>;
  readonly log: CompletionLog;
}

/** What a turn asks for. */
export type ModelWish = Pick<
  CompletionRequest,
  'preferredModel' | 'isStrict' | 'allowedModels' | 'freeModelsOnly' | 'needs' | 'ownKey' | 'tier'
> & {
  /** Money is short: what its makers offer cheaper, and free ones, may answer in place of a paid model. */
  readonly spares?: boolean;
};

/** Whether a model may be asked although it costs. */
type MayCost = (id: string) => boolean;

/**
 * Lists the models for a turn in the order to try them, each once: the preferred one, each provider's in the order of the
 * providers, and the emergency model; of a strict wish only the preferred one. OpenRouter's are the configured default or else
 * up to three discovered free ones, the configured fallbacks and the free router; the others have one each. What can't be run
 * is left out: under `freeOnly` whatever isn't free, otherwise what costs an unknown amount, what the guild does not allow,
 * and what lacks something that is needed. On a key of their own people pay for what they chose, and nothing else. A tier puts
 * them into another order (`ladder.ts`); of a strict wish it changes nothing.
 */
export function createCandidateList(
  choice: ModelChoice,
  { catalogue, ownModels, experience, log }: CandidateParts,
): (wish: ModelWish) => readonly Candidate[] {
  const told = new Set<string>();
  const asksOpenRouter = choice.providers.includes('openrouter');

  const configured = (id: string | null, wish: ModelWish): readonly Candidate[] => {
    const candidate = id === null ? null : candidateFor(id, mayCostFor(wish), catalogue);
    const isTold = id === null || wish.ownKey !== null || wish.freeModelsOnly === true || told.has(id);
    if (candidate === null && !isTold && catalogue.snapshot().fetchedAtMs > 0) {
      told.add(id);
      log.warn(
        { model: id, freeOnly: choice.freeOnly },
        'a configured model is left out: it is not free, or its price is unknown',
      );
    }
    return candidate === null ? [] : [candidate];
  };

  const mayCostFor = ({ ownKey, freeModelsOnly = false }: ModelWish): MayCost =>
    ownKey === null ? () => !choice.freeOnly && !freeModelsOnly : (id) => ownKey.mayCost(id);

  const ownOf = (provider: ProviderName, { freeModelsOnly = false }: ModelWish): readonly Candidate[] =>
    ownModels
      .filter((own) => own.provider === provider)
      .flatMap((own) => {
        const found = own.candidate();
        if (found === null && !told.has(own.model) && own.hasList()) {
          told.add(own.model);
          log.warn({ model: own.model, provider }, 'a configured model is left out: its price is unknown');
        }
        const mustBeFree = choice.freeOnly || freeModelsOnly;
        return found === null || (mustBeFree && !found.isFree) ? [] : [{ provider, ...found }];
      });

  const openRouterOthers = (wish: ModelWish): readonly Candidate[] => {
    const { allowedModels, needs } = wish;
    const chosen = configured(choice.defaultModel, wish).filter(
      (candidate) => isAllowed(candidate, allowedModels) && isCapable(candidate.listed, needs),
    );
    const free = catalogue
      .freeModels()
      .filter((model) => isAllowed(model, allowedModels) && isCapable(model, needs));
    return [
      ...(chosen.length > 0 ? chosen : discovered(experience.order(free))),
      ...choice.fallbackModels.flatMap((id) => configured(id, wish)),
      ...configured(freeRouter, wish),
    ];
  };

  const others = (wish: ModelWish): readonly Candidate[] => [
    ...choice.providers.flatMap((provider) =>
      provider === 'openrouter' ? openRouterOthers(wish) : ownOf(provider, wish),
    ),
    ...(choice.freeOnly || !asksOpenRouter ? [] : configured(choice.emergencyModel, wish)),
  ];

  return (wish) => {
    const { preferredModel, isStrict, allowedModels, needs, tier = 'strong', spares = false } = wish;
    const mayCost = mayCostFor(wish);
    const preferred = asksOpenRouter ? preferredCandidate(preferredModel, mayCost, catalogue) : [];
    const usual = isStrict ? preferred : [...preferred, ...others(wish)];
    const more = spares && !isStrict && asksOpenRouter ? sparing(usual, mayCost, catalogue, experience) : [];
    const list = more.length === 0 ? usual : beforeRouter(usual, more);
    const allowed = list.filter((candidate) =>
      isAllowed({ ...candidate, id: publicId(candidate) }, allowedModels),
    );
    const last =
      isStrict || allowed.length > 0 || !asksOpenRouter ? [] : named(allowedModels, mayCost, catalogue);
    const able = [...allowed, ...last].filter(({ listed }) => isCapable(listed, needs));
    const unique = new Map(able.map((candidate) => [`${candidate.provider} ${candidate.id}`, candidate]));
    const models = [...unique.values()];
    return isStrict ? models : spares ? inTier(models, tier) : optimised(models, tier, choice);
  };
}

/** Cheaper models of who made the dearest one, and the best free ones; none where nothing costs. */
function sparing(
  usual: readonly Candidate[],
  mayCost: MayCost,
  catalogue: Catalogue,
  experience: Pick<Experience, 'order'>,
): readonly Candidate[] {
  const [dearest] = usual
    .filter(({ provider, isFree }) => provider === 'openrouter' && !isFree)
    .toSorted((one, other) => usualPrice(other) - usualPrice(one));
  if (dearest === undefined || dearest.listed === null) return [];
  return [
    ...cheaperKin(dearest.listed, catalogue.snapshot().models).flatMap(
      ({ id }) => candidateFor(id, mayCost, catalogue) ?? [],
    ),
    ...discovered(experience.order(catalogue.freeModels())),
  ];
}

/** Without need only what comes before the emergency model changes its place, and nothing where a free model comes first. */
function optimised(
  models: readonly Candidate[],
  tier: Tier,
  { emergencyModel }: ModelChoice,
): readonly Candidate[] {
  const last = models.at(-1);
  if (last === undefined || models[0]?.isFree === true) return models;
  return last.id === emergencyModel ? [...inTier(models.slice(0, -1), tier), last] : inTier(models, tier);
}

/** The router stays the last resort. */
function beforeRouter(usual: readonly Candidate[], more: readonly Candidate[]): readonly Candidate[] {
  const isRouter = ({ id }: Candidate): boolean => id === freeRouter;
  return [...usual.filter((one) => !isRouter(one)), ...more, ...usual.filter(isRouter)];
}

/** As OpenRouter's list, by which guilds allow models, would name it. */
function publicId({ provider, id }: Candidate): string {
  if (provider === 'gemini') return `google/${id}`;
  return provider === 'huggingface' ? id.replace(/:.*$/u, '') : id;
}

/** What a call may read and write at most, in tokens; on the high side. */
export interface Room {
  readonly promptTokens: number;
  readonly maxTokens: number;
}

/** Whether a model's context takes the whole prompt and a whole answer, as far as the list tells. */
export function isRoomy({ listed }: Candidate, { promptTokens, maxTokens }: Room): boolean {
  const length = listed?.contextLength ?? null;
  return (
    length === null || promptTokens + Math.min(maxTokens, listed?.maxCompletionTokens ?? maxTokens) <= length
  );
}

/**
 * Puts models whose context may be too short behind the others. None is left out, for the room is on the high side;
 * `preferred` keeps its place, and so does the last resort at the end.
 */
export function roomyFirst(
  candidates: readonly Candidate[],
  preferred: string | null,
  room: Room,
): readonly Candidate[] {
  const keeps = (candidate: Candidate): boolean => candidate.id === preferred || isRoomy(candidate, room);
  const [before, last] = [candidates.slice(0, -1), candidates.slice(-1)];
  return [...before.filter(keeps), ...before.filter((candidate) => !keeps(candidate)), ...last];
}

/** The paid model of the settings that is to answer well: the default one, else the emergency model. Null where none costs. */
export function strongModel(
  { freeOnly, defaultModel, emergencyModel }: ModelChoice,
  catalogue: Catalogue,
): Candidate | null {
  const [strong] = [defaultModel, emergencyModel]
    .flatMap((id) => (id === null || freeOnly ? [] : (candidateFor(id, () => true, catalogue) ?? [])))
    .filter(({ isFree }) => !isFree);
  return strong ?? null;
}

/** Null when the model can't be run. */
function candidateFor(id: string, mayCost: MayCost, catalogue: Catalogue): Candidate | null {
  const listed = catalogue.find(id) ?? null;
  if (isFreeId(id, catalogue)) return { provider: 'openrouter', id, isFree: true, listed };
  if (!mayCost(id) || !isPlainId(id) || listed === null) return null;
  return isPriced(listed.prices) ? { provider: 'openrouter', id, isFree: false, listed } : null;
}

/** People name models too: only what the list knows is tried for them, once there is a list. */
function preferredCandidate(id: string | null, mayCost: MayCost, catalogue: Catalogue): readonly Candidate[] {
  if (id === null) return [];
  const candidate = candidateFor(id, mayCost, catalogue);
  if (candidate === null) return [];
  return candidate.listed !== null || catalogue.snapshot().models.length === 0 ? [candidate] : [];
}

function discovered(models: readonly CatalogueModel[]): readonly Candidate[] {
  return models
    .filter(({ id }) => id !== freeRouter && isPlainId(id))
    .slice(0, mostDiscovered)
    .map((listed) => ({ provider: 'openrouter', id: listed.id, isFree: true, listed }));
}

/** A guild that allows none of the usual models means those whose ids it has written down. */
function named(allowed: AllowedModels, mayCost: MayCost, catalogue: Catalogue): readonly Candidate[] {
  return (allowed ?? [])
    .filter(isPlainId)
    .flatMap((id) => preferredCandidate(id, mayCost, catalogue))
    .slice(0, mostDiscovered);
}

const mostDiscovered = 3;
