import { asArray, asCount, asObject, type JsonObject } from './json.ts';
import { scaledDecimal } from './money.ts';

/**
 * Nano-USD for a million units (tokens, requests, pictures): an integer, so `"0.000000006"` $ a token is 6,000,000. It
 * resolves 10⁻¹⁵ $ a unit, which is exact for every price published so far; anything finer is rounded up.
 */
export type Price = number;

export interface ModelPrices {
  /** Null: not stated, or decided by a router at run time. */
  readonly prompt: Price | null;
  readonly completion: Price | null;
  readonly request: Price | null;
  readonly cacheRead: Price | null;
  readonly cacheWrite: Price | null;
  /** The most that a prompt token can cost: surcharges for length or time of day and cache writes included. */
  readonly highestPrompt: Price | null;
  /** The most that a token of the answer can cost: surcharges and reasoning included. */
  readonly highestCompletion: Price | null;
  /** Prompts of fewer tokens have the usual prices at any time of day. Lists saved by an older release tell nothing of it. */
  readonly usualBelowTokens?: number;
}

/** Whether no surcharge applies to a prompt of so many tokens. */
export function isUsual({ usualBelowTokens = 0 }: ModelPrices, promptTokens: number): boolean {
  return promptTokens < usualBelowTokens;
}

/** Whether the most that a request can cost is known beforehand. */
export function isPriced({ highestPrompt, highestCompletion, request }: ModelPrices): boolean {
  return highestPrompt !== null && highestCompletion !== null && request !== null;
}

/** Reads `pricing` of a model list row: decimal strings in USD a unit. Never throws; what can't be read is null. */
export function readPrices(pricing: unknown): ModelPrices {
  const row = asObject(pricing) ?? {};
  const overrides = asArray(row['overrides']).map(asObject);
  const layers = [row, ...overrides.filter((override) => override !== null)];
  const prompt = readPrice(row['prompt']);
  const completion = readPrice(row['completion']);
  return {
    prompt,
    completion,
    request: row['request'] === undefined ? 0 : readPrice(row['request']),
    cacheRead: readPrice(row['input_cache_read']),
    cacheWrite: readPrice(row['input_cache_write']),
    highestPrompt: prompt === null ? null : highest(withCacheWrites(layers), promptKeys),
    highestCompletion: completion === null ? null : highest(layers, completionKeys),
    usualBelowTokens: usualBelowTokens(row, layers.slice(1)),
  };
}

/** 0 where a surcharge may come at any length, or where what a model thinks has a price of its own. */
function usualBelowTokens(row: JsonObject, overrides: readonly JsonObject[]): number {
  const thought = row['internal_reasoning'];
  if (thought !== undefined && readPrice(thought) !== readPrice(row['completion'])) return 0;
  const bounds = overrides.map((override) => asCount(override['min_prompt_tokens']) ?? 0);
  return Math.min(...bounds, Number.MAX_SAFE_INTEGER);
}

/** What `units` cost at `price`, in nano-USD, rounded up. */
export function costNanoUsd(units: number, price: Price): bigint {
  return (BigInt(units) * BigInt(price) + 999_999n) / 1_000_000n;
}

/**
 * What reading from the cache saved, less what writing to it cost more than plain reading; nano-USD, below zero where the
 * cache cost more than it saved. By the usual prices: surcharges for length are left out. 0 where prices are not known.
 */
export function savedNanoUsd(
  prices: Pick<ModelPrices, 'prompt' | 'cacheRead' | 'cacheWrite'> | null,
  {
    cachedTokens,
    cacheWriteTokens = 0,
  }: { readonly cachedTokens: number; readonly cacheWriteTokens?: number },
): bigint {
  const prompt = prices?.prompt ?? 0;
  const less = prompt - (prices?.cacheRead ?? prompt);
  const more = (prices?.cacheWrite ?? prompt) - prompt;
  return (BigInt(cachedTokens) * BigInt(less) - BigInt(cacheWriteTokens) * BigInt(more)) / 1_000_000n;
}

/** Where a surcharge names no price for writing to the cache, that one rises alike. */
function withCacheWrites(layers: readonly JsonObject[]): readonly JsonObject[] {
  const [row = {}, ...overrides] = layers;
  const [plain, written] = [readPrice(row['prompt']), readPrice(row['input_cache_write'])];
  if (plain === null || plain === 0 || written === null || written <= plain) return layers;
  const surcharges = overrides.map((override) => {
    const price = readPrice(override['prompt']);
    if (price === null || override['input_cache_write'] !== undefined) return override;
    const risen = (BigInt(price) * BigInt(written) + BigInt(plain) - 1n) / BigInt(plain);
    return { ...override, input_cache_write: `${risen}e-15` };
  });
  return [row, ...surcharges];
}

const promptKeys = ['prompt', 'input_cache_write', 'input_cache_write_1h'];
const completionKeys = ['completion', 'internal_reasoning'];

function highest(layers: readonly JsonObject[], keys: readonly string[]): Price | null {
  const stated = layers
    .flatMap((layer) => keys.map((key) => layer[key]))
    .filter((value) => value !== undefined);
  const prices = stated.map(readPrice);
  return prices.includes(null) ? null : Math.max(...prices.filter((price) => price !== null));
}

function readPrice(value: unknown): Price | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const scaled = scaledDecimal(String(value), 15, 'up');
  if (scaled === null || scaled < 0n || scaled > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return Number(scaled);
}
