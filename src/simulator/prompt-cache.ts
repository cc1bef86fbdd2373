import { createHash } from 'node:crypto';
import { providerOf, type SimulatedModel } from './catalogue.ts';
import { refuse, type Refusal } from './errors.ts';
import { promptBlocks } from './prompt.ts';
import type { ChatRequest } from './validation.ts';

/** What a provider's cache did for one prompt; together at most the whole prompt. */
export interface CacheUse {
  cachedTokens: number;
  cacheWriteTokens: number;
}

export const nothingCached: CacheUse = { cachedTokens: 0, cacheWriteTokens: 0 };

/** The beginnings of prompts that providers keep, each for its owner alone. */
export interface PromptCache {
  /** Looks the prompt up and keeps it, as the model's provider does; or the provider's refusal of its breakpoints. */
  use(owner: string, model: SimulatedModel, request: ChatRequest): CacheUse | Refusal;
}

/** How a family of models caches. */
interface Rules {
  id: RegExp;
  minTokens: number;
  /**
   * `told`: at breakpoints alone, and writing is counted. `itself`: at any place, whatever is marked. `either`: by itself, and where
   * there are breakpoints at the last of them alone.
   */
  kind: 'told' | 'itself' | 'either';
}

/** The first that fits counts. */
const rules: readonly Rules[] = [
  { id: /^anthropic\/claude-(sonnet|opus)-4(\.[0-4])?$/, minTokens: 1024, kind: 'told' },
  { id: /^anthropic\/claude-sonnet-4\.[5-6]$/, minTokens: 1024, kind: 'told' },
  { id: /^anthropic\/claude-(3\.5-haiku|haiku-3\.5)$/, minTokens: 2048, kind: 'told' },
  { id: /^anthropic\//, minTokens: 4096, kind: 'told' },
  { id: /^qwen\//, minTokens: 1024, kind: 'told' },
  { id: /^google\/.*pro/, minTokens: 4096, kind: 'either' },
  { id: /^google\//, minTokens: 1024, kind: 'either' },
  { id: /^/, minTokens: 1024, kind: 'itself' },
];

const mostBreakpoints = 4;
/** A breakpoint finds what an earlier one wrote at most so many blocks before it. */
const blocksLookedBack = 20;
/** Counted from the last use. */
const keptMs = 300_000;
const keptBeginnings = 200_000;

export function createPromptCache(now: () => number): PromptCache {
  const keptUntilMs = new Map<string, number>();
  const has = ({ id }: Beginning) => (keptUntilMs.get(id) ?? 0) > now();
  const keep = ({ id }: Beginning) => {
    keptUntilMs.delete(id);
    keptUntilMs.set(id, now() + keptMs);
    const [oldest] = keptUntilMs.keys();
    if (keptUntilMs.size > keptBeginnings && oldest !== undefined) keptUntilMs.delete(oldest);
  };
  return {
    use(owner, model, request) {
      const beginnings = beginningsOf(owner, request);
      const breakpoints = breakpointsOf(request, beginnings);
      const how = rules.find(({ id }) => id.test(model.id));
      if (how === undefined) return nothingCached;
      if (how.kind === 'told' && breakpoints.length > mostBreakpoints) {
        return tooManyBreakpoints(model, breakpoints.length);
      }
      if (model.pricing.input_cache_read === undefined) return nothingCached;
      const { read, ends, isTold } = placesFor(how, beginnings, breakpoints);
      const found = read.findLast(has);
      for (const beginning of [...(found === undefined ? [] : [found]), ...ends]) keep(beginning);
      const cachedTokens = found?.tokens ?? 0;
      const newTokens = Math.max(0, (ends.at(-1)?.tokens ?? 0) - cachedTokens);
      return { cachedTokens, cacheWriteTokens: isTold ? newTokens : 0 };
    },
  };
}

/** Where a prompt may be found in the cache, and which beginnings of it are kept, both in order. */
function placesFor(how: Rules, beginnings: readonly Beginning[], breakpoints: readonly number[]) {
  const isTold = how.kind === 'told' || (how.kind === 'either' && breakpoints.length > 0);
  const at = (places: readonly number[]) =>
    places.flatMap((place) => beginnings[place] ?? []).filter(({ tokens }) => tokens >= how.minTokens);
  // Where a provider caches by itself, every place serves.
  if (!isTold) return { read: at([...beginnings.keys()]), ends: at([...beginnings.keys()]), isTold };
  const counted = how.kind === 'either' ? breakpoints.slice(-1) : breakpoints;
  return { read: at(counted.flatMap(lookedBack)), ends: at(counted), isTold };
}

/** The prompt up to and with one of its blocks. */
interface Beginning {
  id: string;
  tokens: number;
  endsCache: boolean;
}

function beginningsOf(owner: string, request: ChatRequest): readonly Beginning[] {
  let id = owner;
  let tokens = 0;
  return promptBlocks(request).map((block) => {
    id = createHash('sha256').update(id).update('\0').update(block.content).digest('base64');
    tokens += block.tokens;
    return { id, tokens, endsCache: block.endsCache };
  });
}

/** A `cache_control` of the whole request stands for one at the end. */
function breakpointsOf(request: ChatRequest, beginnings: readonly Beginning[]): readonly number[] {
  const isWhole = request.cache_control !== undefined && request.cache_control !== null;
  return beginnings.flatMap(({ endsCache }, place) =>
    endsCache || (isWhole && place === beginnings.length - 1) ? [place] : [],
  );
}

function lookedBack(place: number): readonly number[] {
  const from = Math.max(0, place - blocksLookedBack + 1);
  return Array.from({ length: place - from + 1 }, (_, step) => from + step);
}

function tooManyBreakpoints(model: SimulatedModel, found: number): Refusal {
  const message = `A maximum of ${mostBreakpoints} blocks with cache_control may be provided. Found ${found}.`;
  return refuse(400, 'Provider returned error', {
    metadata: {
      raw: JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message } }),
      provider_name: providerOf(model),
    },
  });
}
