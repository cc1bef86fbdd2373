import { freeRouter, type CatalogueModel } from './catalogue-model.ts';
import type { Catalogue } from './catalogue.ts';
import { isFreeId, isPlainId } from './free-only.ts';
import type { CompletionLog } from './ports.ts';

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

/**
 * Lists the models for a turn in the order to try them, each once: the preferred one, the configured default or else
 * up to three discovered free ones, the configured fallbacks, the free router, and the emergency model. What can't be
 * run is left out: under `freeOnly` whatever isn't free, otherwise what costs an unknown amount.
 */
export function createCandidateList(
  choice: ModelChoice,
  catalogue: Catalogue,
  log: CompletionLog,
): (preferred: string | null) => readonly Candidate[] {
  const told = new Set<string>();

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

  return (preferred) => {
    const chosen = configured(choice.defaultModel);
    const list = [
      ...preferredCandidate(preferred, choice.freeOnly, catalogue),
      ...(chosen.length > 0 ? chosen : discovered(catalogue)),
      ...choice.fallbackModels.flatMap(configured),
      ...configured(freeRouter),
      ...(choice.freeOnly ? [] : configured(choice.emergencyModel)),
    ];
    return [...new Map(list.map((candidate) => [candidate.id, candidate])).values()];
  };
}

/** Null when the model can't be run. */
function candidateFor(id: string, freeOnly: boolean, catalogue: Catalogue): Candidate | null {
  const listed = catalogue.find(id) ?? null;
  if (isFreeId(id, catalogue)) return { id, isFree: true, listed };
  if (freeOnly || !isPlainId(id) || listed === null) return null;
  const { highestPrompt, highestCompletion, request } = listed.prices;
  const isPriced = highestPrompt !== null && highestCompletion !== null && request !== null;
  return isPriced ? { id, isFree: false, listed } : null;
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

function discovered(catalogue: Catalogue): readonly Candidate[] {
  return catalogue
    .freeModels()
    .filter(({ id }) => id !== freeRouter && isPlainId(id))
    .slice(0, mostDiscovered)
    .map((listed) => ({ id: listed.id, isFree: true, listed }));
}

const mostDiscovered = 3;
