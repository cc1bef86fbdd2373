import { freeRouter, type CatalogueModel } from './catalogue-model.ts';
import type { Catalogue } from './catalogue.ts';
import { isFreeId, isPlainId } from './free-only.ts';
import type { CompletionRequest } from './completion.ts';
import type { Experience } from './experience.ts';
import { isAllowed } from './model-shelf.ts';
import type { AllowedModels, CompletionLog } from './ports.ts';
import { isPriced } from './price.ts';

/** A model that a turn may try. */
export interface Candidate {
  readonly id: string;
  readonly isFree: boolean;
  /** Null when the list doesn't know it. */
  readonly listed: CatalogueModel | null;
}

/** Which models to ask. Ids as OpenRouter writes them; null and the empty list leave the choice to the catalogue. */
export interface ModelChoice {
  readonly freeOnly: boolean;
  readonly defaultModel: string | null;
  readonly fallbackModels: readonly string[];
  /** The last resort, and only where paid models are allowed. */
  readonly emergencyModel: string | null;
}

export interface CandidateParts {
  readonly catalogue: Catalogue;
  readonly experience: Pick<Experience, 'order'>;
  readonly log: CompletionLog;
}

/** What a turn asks for. */
export type ModelWish = Pick<CompletionRequest, 'preferredModel' | 'isStrict' | 'allowedModels' | 'ownKey'>;

/** Whether a model may be asked although it costs. */
type MayCost = (id: string) => boolean;

/**
 * Lists the models for a turn in the order to try them, each once: the preferred one, the configured default or else
 * up to three discovered free ones, the configured fallbacks, the free router, and the emergency model; of a strict wish
 * only the preferred one. What can't be run is left out: under `freeOnly` whatever isn't free, otherwise what costs an
 * unknown amount, and what the guild does not allow. On a key of their own people pay for what they chose, and nothing else.
 */
export function createCandidateList(
  choice: ModelChoice,
  { catalogue, experience, log }: CandidateParts,
): (wish: ModelWish) => readonly Candidate[] {
  const told = new Set<string>();

  const configured = (id: string | null, ownKey: ModelWish['ownKey']): readonly Candidate[] => {
    const candidate = id === null ? null : candidateFor(id, mayCostOn(ownKey), catalogue);
    const isTold = id === null || ownKey !== null || told.has(id);
    if (candidate === null && !isTold && catalogue.snapshot().fetchedAtMs > 0) {
      told.add(id);
      log.warn(
        { model: id, freeOnly: choice.freeOnly },
        'a configured model is left out: it is not free, or its price is unknown',
      );
    }
    return candidate === null ? [] : [candidate];
  };

  const mayCostOn = (ownKey: ModelWish['ownKey']): MayCost =>
    ownKey === null ? () => !choice.freeOnly : (id) => ownKey.mayCost(id);

  const others = (allowed: AllowedModels, ownKey: ModelWish['ownKey']): readonly Candidate[] => {
    const chosen = configured(choice.defaultModel, ownKey).filter((candidate) =>
      isAllowed(candidate, allowed),
    );
    const free = catalogue.freeModels().filter((model) => isAllowed(model, allowed));
    return [
      ...(chosen.length > 0 ? chosen : discovered(experience.order(free))),
      ...choice.fallbackModels.flatMap((id) => configured(id, ownKey)),
      ...configured(freeRouter, ownKey),
      ...(choice.freeOnly || ownKey !== null ? [] : configured(choice.emergencyModel, ownKey)),
    ];
  };

  return ({ preferredModel, isStrict, allowedModels, ownKey }) => {
    const mayCost = mayCostOn(ownKey);
    const preferred = preferredCandidate(preferredModel, mayCost, catalogue);
    const list = isStrict ? preferred : [...preferred, ...others(allowedModels, ownKey)];
    const allowed = list.filter((candidate) => isAllowed(candidate, allowedModels));
    const last = isStrict || allowed.length > 0 ? [] : named(allowedModels, mayCost, catalogue);
    return [...new Map([...allowed, ...last].map((candidate) => [candidate.id, candidate])).values()];
  };
}

/** Null when the model can't be run. */
function candidateFor(id: string, mayCost: MayCost, catalogue: Catalogue): Candidate | null {
  const listed = catalogue.find(id) ?? null;
  if (isFreeId(id, catalogue)) return { id, isFree: true, listed };
  if (!mayCost(id) || !isPlainId(id) || listed === null) return null;
  return isPriced(listed.prices) ? { id, isFree: false, listed } : null;
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
    .map((listed) => ({ id: listed.id, isFree: true, listed }));
}

/** A guild that allows none of the usual models means those whose ids it has written down. */
function named(allowed: AllowedModels, mayCost: MayCost, catalogue: Catalogue): readonly Candidate[] {
  return (allowed ?? [])
    .filter(isPlainId)
    .flatMap((id) => preferredCandidate(id, mayCost, catalogue))
    .slice(0, mostDiscovered);
}

const mostDiscovered = 3;
