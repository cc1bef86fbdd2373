import { freeRouter, type CatalogueModel } from './catalogue-model.ts';
import type { Catalogue } from './catalogue.ts';
import { isFreeId, isPlainId } from './free-only.ts';
import type { CompletionRequest } from './completion.ts';
import type { Experience } from './experience.ts';
import type { OwnModel } from './own-model.ts';
import { isAllowed } from './model-shelf.ts';
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
export type ModelWish = Pick<CompletionRequest, 'preferredModel' | 'isStrict' | 'allowedModels'>;

/**
 * Lists the models for a turn in the order to try them, each once: the preferred one, each provider's in the order of the
 * providers, and the emergency model; of a strict wish only the preferred one. OpenRouter's are the configured default or else
 * up to three discovered free ones, the configured fallbacks and the free router; the others have one each. What can't be run is left out: under `freeOnly` whatever isn't free, otherwise what costs an
 * unknown amount, and what the guild does not allow.
 */
export function createCandidateList(
  choice: ModelChoice,
  { catalogue, ownModels, experience, log }: CandidateParts,
): (wish: ModelWish) => readonly Candidate[] {
  const told = new Set<string>();
  const asksOpenRouter = choice.providers.includes('openrouter');

  const configured = (id: string | null): readonly Candidate[] => {
    const candidate = id === null ? null : candidateFor(id, choice.freeOnly, catalogue);
    if (id !== null && candidate === null && !told.has(id) && catalogue.snapshot().fetchedAtMs > 0) {
      told.add(id);
      log.warn(
        { model: id, freeOnly: choice.freeOnly },
        'a configured model is left out: it is not free, or its price is unknown',
      );
    }
    return candidate === null ? [] : [candidate];
  };

  const ownOf = (provider: ProviderName): readonly Candidate[] =>
    ownModels
      .filter((own) => own.provider === provider)
      .flatMap((own) => {
        const found = own.candidate();
        if (found === null && !told.has(own.model) && own.hasList()) {
          told.add(own.model);
          log.warn({ model: own.model, provider }, 'a configured model is left out: its price is unknown');
        }
        return found === null || (choice.freeOnly && !found.isFree) ? [] : [{ provider, ...found }];
      });

  const openRouterOthers = (allowed: AllowedModels): readonly Candidate[] => {
    const chosen = configured(choice.defaultModel).filter((candidate) => isAllowed(candidate, allowed));
    const free = catalogue.freeModels().filter((model) => isAllowed(model, allowed));
    return [
      ...(chosen.length > 0 ? chosen : discovered(experience.order(free))),
      ...choice.fallbackModels.flatMap(configured),
      ...configured(freeRouter),
    ];
  };

  const others = (allowed: AllowedModels): readonly Candidate[] => [
    ...choice.providers.flatMap((provider) =>
      provider === 'openrouter' ? openRouterOthers(allowed) : ownOf(provider),
    ),
    ...(choice.freeOnly || !asksOpenRouter ? [] : configured(choice.emergencyModel)),
  ];

  return ({ preferredModel, isStrict, allowedModels }) => {
    const preferred = asksOpenRouter ? preferredCandidate(preferredModel, choice.freeOnly, catalogue) : [];
    const list = isStrict ? preferred : [...preferred, ...others(allowedModels)];
    const allowed = list.filter((candidate) =>
      isAllowed({ ...candidate, id: publicId(candidate) }, allowedModels),
    );
    const last =
      isStrict || allowed.length > 0 || !asksOpenRouter
        ? []
        : named(allowedModels, choice.freeOnly, catalogue);
    const unique = new Map(
      [...allowed, ...last].map((candidate) => [`${candidate.provider} ${candidate.id}`, candidate]),
    );
    return [...unique.values()];
  };
}

/** As OpenRouter's list, by which guilds allow models, would name it. */
function publicId({ provider, id }: Candidate): string {
  if (provider === 'gemini') return `google/${id}`;
  return provider === 'huggingface' ? id.replace(/:.*$/u, '') : id;
}

/** Null when the model can't be run. */
function candidateFor(id: string, freeOnly: boolean, catalogue: Catalogue): Candidate | null {
  const listed = catalogue.find(id) ?? null;
  if (isFreeId(id, catalogue)) return { provider: 'openrouter', id, isFree: true, listed };
  if (freeOnly || !isPlainId(id) || listed === null) return null;
  return isPriced(listed.prices) ? { provider: 'openrouter', id, isFree: false, listed } : null;
}

/** People name models too: only what the list knows is tried for them, once there is a list. */
function preferredCandidate(
  id: string | null,
  freeOnly: boolean,
  catalogue: Catalogue,
): readonly Candidate[] {
  if (id === null) return [];
  const candidate = candidateFor(id, freeOnly, catalogue);
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
function named(allowed: AllowedModels, freeOnly: boolean, catalogue: Catalogue): readonly Candidate[] {
  return (allowed ?? [])
    .filter(isPlainId)
    .flatMap((id) => preferredCandidate(id, freeOnly, catalogue))
    .slice(0, mostDiscovered);
}

const mostDiscovered = 3;
