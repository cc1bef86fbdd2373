import type { ModelPricing } from './catalogue.ts';
import type { Usage } from './wire.ts';

/** Nano-USD: 1e-9 of a dollar. Every sum of money in the simulator is an integer of these. */
export type NanoUsd = bigint;

/** One web search of the default engine: 0.007 USD. */
const webSearchNanoUsd: NanoUsd = 7_000_000n;
/** Reading one page of a PDF with the default engine for models that take no files: 2 USD for a thousand pages. */
const ocrPageNanoUsd: NanoUsd = 2_000_000n;

const digits = 15;
const unitsPerNano = 10n ** BigInt(digits - 9);

/**
 * An exact decimal string as an integer of 1e-15 USD. Throws a `RangeError` for anything else, and for digits finer than that: a price list
 * with such a value is a mistake of whoever wrote it.
 */
export function parseDecimal(decimal: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,15}))?$/.exec(decimal);
  if (match === null) throw new RangeError(`not an exact decimal price: ${decimal}`);
  const [, sign = '', whole = '0', fraction = ''] = match;
  return BigInt(`${sign}${whole}${fraction.padEnd(digits, '0')}`);
}

/** Rounds an amount of 1e-15 USD to the nearest nano-USD, halves away from zero. */
export function toNanoUsd(amount: bigint): NanoUsd {
  if (amount < 0n) return -toNanoUsd(-amount);
  return (amount + unitsPerNano / 2n) / unitsPerNano;
}

/** The double nearest to the exact amount, as JSON carries it. */
export function toUsd(nanoUsd: NanoUsd): number {
  return Number(nanoUsd) / 1e9;
}

/** The prices that hold for a prompt of this size. */
function pricesFor(pricing: ModelPricing, promptTokens: number): ModelPricing {
  let prices = pricing;
  for (const { min_prompt_tokens: minimum, ...override } of pricing.overrides ?? []) {
    if (promptTokens >= minimum) prices = { ...prices, ...override };
  }
  return prices;
}

export interface Consumption {
  promptTokens: number;
  /** Part of `promptTokens`. */
  cachedTokens: number;
  /** Part of `promptTokens`; never read from the cache at the same time. */
  cacheWriteTokens: number;
  /** Reasoning included. */
  completionTokens: number;
  reasoningTokens: number;
  webSearches: number;
  ocrPages: number;
}

export interface Bill {
  promptNanoUsd: NanoUsd;
  completionNanoUsd: NanoUsd;
  toolsNanoUsd: NanoUsd;
  totalNanoUsd: NanoUsd;
}

/** What a consumption costs at these prices. The total is exactly the sum of the three parts. */
export function billFor(pricing: ModelPricing, consumption: Consumption): Bill {
  const prices = pricesFor(pricing, consumption.promptTokens);
  const prompt = parseDecimal(prices.prompt);
  const cached = parseDecimal(prices.input_cache_read ?? prices.prompt);
  const written = parseDecimal(prices.input_cache_write ?? prices.prompt);
  const { promptTokens, cachedTokens, cacheWriteTokens } = consumption;
  const promptNanoUsd = toNanoUsd(
    prompt * BigInt(promptTokens - cachedTokens - cacheWriteTokens) +
      cached * BigInt(cachedTokens) +
      written * BigInt(cacheWriteTokens) +
      parseDecimal(prices.request ?? '0'),
  );
  const completionNanoUsd = toNanoUsd(parseDecimal(prices.completion) * BigInt(consumption.completionTokens));
  const toolsNanoUsd =
    webSearchNanoUsd * BigInt(consumption.webSearches) + ocrPageNanoUsd * BigInt(consumption.ocrPages);
  return {
    promptNanoUsd,
    completionNanoUsd,
    toolsNanoUsd,
    totalNanoUsd: promptNanoUsd + completionNanoUsd + toolsNanoUsd,
  };
}

/** A failed completion is not charged for its tokens; what tools did is. */
export function insured(bill: Bill): Bill {
  return {
    promptNanoUsd: 0n,
    completionNanoUsd: 0n,
    toolsNanoUsd: bill.toolsNanoUsd,
    totalNanoUsd: bill.toolsNanoUsd,
  };
}

/** A bill of the given total, shown as a cost of the completion. */
export function billOf(totalNanoUsd: NanoUsd): Bill {
  return { promptNanoUsd: 0n, completionNanoUsd: totalNanoUsd, toolsNanoUsd: 0n, totalNanoUsd };
}

/** The `usage` object of an answer. */
export function usageOf(consumption: Consumption, bill: Bill): Usage {
  const { promptTokens, completionTokens, webSearches } = consumption;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    cost: toUsd(bill.totalNanoUsd),
    is_byok: false,
    prompt_tokens_details: {
      cached_tokens: consumption.cachedTokens,
      cache_write_tokens: consumption.cacheWriteTokens,
      audio_tokens: 0,
      video_tokens: 0,
    },
    cost_details: {
      upstream_inference_cost: null,
      upstream_inference_prompt_cost: toUsd(bill.promptNanoUsd),
      upstream_inference_completions_cost: toUsd(bill.completionNanoUsd),
      ...(bill.toolsNanoUsd > 0n && { server_tool_cost: toUsd(bill.toolsNanoUsd) }),
    },
    completion_tokens_details: {
      reasoning_tokens: consumption.reasoningTokens,
      image_tokens: 0,
      audio_tokens: 0,
    },
    ...(webSearches > 0 && {
      server_tool_use_details: {
        tool_calls_requested: webSearches,
        tool_calls_executed: webSearches,
        web_search_requests: webSearches,
      },
    }),
  };
}
