import { isChatModel, isFree, isRouter, withoutDynamicVariant, type SimulatedModel } from './catalogue.ts';
import { freeVariantEnded, modelNotFound, noEndpoints } from './endpoint-refusals.ts';
import type { Refusal } from './errors.ts';
import { refusedByFilters } from './filters.ts';
import type { ChatRequest } from './validation.ts';

export interface Route {
  model: SimulatedModel;
  /** The router that chose the model, or null. */
  router: string | null;
}

/**
 * The model that serves `id` for this request, or OpenRouter's refusal: an unknown id, a free variant that ended, or no endpoint left after the
 * capabilities and `provider` preferences were applied. `random` (0 up to 1) decides among equals.
 */
export function route(
  models: readonly SimulatedModel[],
  id: string,
  request: ChatRequest,
  random: () => number,
): Route | Refusal {
  const staticId = withoutDynamicVariant(id);
  const model = models.find((candidate) => candidate.id === staticId);
  if (routers.has(staticId) || (model !== undefined && isRouter(model))) {
    return routeByRouter(models, staticId, request, random);
  }
  if (model === undefined) return refuseUnknown(models, staticId);
  if (!isChatModel(model)) return noEndpoints(id);
  return refusedByFilters(model, request) ?? { model, router: null };
}

/** The routers that work whether or not the list names them. */
const routers: ReadonlySet<string> = new Set(['openrouter/free', 'openrouter/auto']);

function routeByRouter(
  models: readonly SimulatedModel[],
  id: string,
  request: ChatRequest,
  random: () => number,
): Route | Refusal {
  const pool = models.filter((model) => isChatModel(model) && isFree(model) === (id === 'openrouter/free'));
  const capable = pool.filter((model) => refusedByFilters(model, request) === undefined);
  const model = capable[Math.floor(random() * capable.length)];
  if (model !== undefined) return { model, router: id };
  const [first] = pool;
  return (first && refusedByFilters(first, request)) ?? noEndpoints(id);
}

function refuseUnknown(models: readonly SimulatedModel[], id: string): Refusal {
  const ended = id.endsWith(':free') && models.some((model) => model.id === id.slice(0, -':free'.length));
  return ended ? freeVariantEnded(id) : modelNotFound(id);
}
