import { freeRouter } from './catalogue-model.ts';
import type { Catalogue } from './catalogue.ts';
import type { PriceCeiling } from './model-client.ts';

/** Accepted from OpenRouter for an attempt that must not cost anything: endpoints with a price are filtered out there. */
export const nothing: PriceCeiling = { prompt: 0, completion: 0, request: 0, image: 0, audio: 0 };

/**
 * Whether a request to this id can be made on free terms: the free router, and plain ids that end in `:free` or that the
 * list calls free. Where the list disagrees with the ending, the list wins. Ids with a variant that OpenRouter would
 * apply by itself (`:online`, `:nitro`, `:floor`), presets (`@preset/…`) and aliases (`~…`) never are: they change what
 * is bought.
 */
export function isFreeId(id: string, catalogue: Pick<Catalogue, 'find'>): boolean {
  if (!isPlainId(id)) return false;
  const listed = catalogue.find(id);
  if (listed !== undefined) return listed.isFree;
  return id === freeRouter || (id.endsWith(':free') && !id.startsWith('openrouter/'));
}

/** `author/model` or `author/model:free`, without anything that changes its routing or its price. */
export function isPlainId(id: string): boolean {
  return /^[A-Za-z0-9][\w.-]*\/[\w.-]+(?::free)?$/.test(id);
}
